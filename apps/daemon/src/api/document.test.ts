import { Validator } from '@seriousme/openapi-schema-validator';
import { beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildDocument } from './document.js';

let text: string;
beforeAll(async () => {
  text = await buildDocument();
});

it('is OpenAPI 3.1, all of whose references lead somewhere', async () => {
  expect(await new Validator().validate(parse(text))).toEqual({ valid: true });
});

it('means the same to readers of YAML 1.1, to whom a plain `on` is true', () => {
  const told = parse(text);
  expect(parse(text, { version: '1.1' })).toEqual(told);
  expect(told.components.schemas.Retry.properties).toHaveProperty('on');
});

it('tells the headers of answers, and which bodies may be left out', () => {
  const { paths } = parse(text);
  const headers = (path: string, method: string, status: number): string[] =>
    Object.keys(paths[path][method].responses[status].headers ?? {});
  expect(headers('/v1/jobs', 'post', 201)).toEqual(['ETag', 'Location']);
  expect(headers('/v1/jobs', 'post', 200)).toEqual(['Idempotency-Replayed']);
  expect(headers('/v1/jobs/{job}', 'get', 200)).toEqual(['ETag']);
  expect(headers('/v1/jobs/{job}', 'get', 401)).toEqual(['WWW-Authenticate']);
  expect(headers('/v1/jobs/{job}/cancel', 'post', 202)).toEqual(['ETag']);
  expect(headers('/v1/jobs/{job}/logs', 'get', 206)).toEqual(['Content-Range', 'Berth-Log-Offset']);
  expect(headers('/v1/jobs/{job}/logs', 'get', 429)).toEqual(['Retry-After']);
  const names = (path: string) => paths[path].get.parameters.map(({ name }: { name: string }) => name);
  expect(names('/v1/devices')).toContain('if-none-match');
  expect(names('/v1/schedules/{schedule}')).not.toContain('if-none-match');
  expect(paths['/v1/jobs'].post.requestBody.required).toBe(true);
  expect(paths['/v1/devices/{device}/drain'].post.requestBody.required).toBeUndefined();
  expect(text).not.toContain('x-fastify');
});

it('tells the bounds of durations, and which fields belong together', () => {
  const { JobSubmission, Retry, HangInput, SharingInput } = parse(text).components.schemas;
  const seconds = (property: { anyOf: object[] }): object | undefined => property.anyOf[0];
  expect(seconds(JobSubmission.properties.timeLimit)).toEqual({
    type: 'number',
    exclusiveMinimum: 0,
    maximum: 31_536_000,
  });
  expect(seconds(HangInput.properties.after)).toMatchObject({ minimum: 1, maximum: 31_536_000 });
  expect(seconds(Retry.properties.maxBackoff)).toMatchObject({ minimum: 0, maximum: 604_800 });
  expect(JobSubmission.oneOf).toEqual([{ required: ['command'] }, { required: ['script'] }]);
  expect(SharingInput.oneOf).toEqual([{ required: ['memory'] }, { required: ['slots'] }]);
});
