import { createHash } from 'node:crypto';
import type { Job } from '@berth/contract';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether answers have an ETag, and may be 304. */
    etag?: boolean;
  }
}

/** For those who change what they have read. */
export const IfMatchHeaderSchema = z.object({
  'if-match': z.string().max(1000).optional().meta({
    description:
      "The ETag of an answer about this job: where its state, its attempt or what was submitted of it isn't as it was then, nothing is changed (412).",
  }),
});

/** The `response` entry of a route with `config: { etag: true }`. */
export const NOT_MODIFIED = { 304: { description: 'It is as the ETag in If-None-Match says (RFC 9110).' } };

/**
 * Gives answers an ETag, and answers 304 to who has it already. The tag is a digest of the very text that is sent, unless the
 * route has set one: so it costs one pass over that text.
 */
export function answerNotModified(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (!request.routeOptions.config?.etag || reply.statusCode !== 200 || typeof payload !== 'string')
      return payload;
    const tag = reply.getHeader('etag') ?? `"${digestOf(payload)}"`;
    reply.header('etag', tag);
    if (!named(request.headers['if-none-match'], String(tag))) return payload;
    reply.code(304).removeHeader('content-type');
    return null;
  });
}

/** Answers with a job, and its tag. */
export function sendJob(reply: FastifyReply, job: Job) {
  return reply.header('etag', jobTag(job)).send(job) as never;
}

/** A job's tag: what of it people decide by, so that a change may be made on condition of that; then the rest. */
function jobTag(job: Job): string {
  const { decided, rest } = partsOf(job);
  return `"${versionOf(decided)}.${digestOf(decided + rest)}"`;
}

/** A weak tag that stays while no figure differs in its first four digits. */
export function aboutAs(answer: object): string {
  const round = (_: string, value: unknown) => (typeof value === 'number' ? value.toPrecision(4) : value);
  return `W/"${digestOf(JSON.stringify(answer, round))}"`;
}

/** Whether a job is, in what people decide by, as one of the tags of `If-Match` says. */
export function matches(ifMatch: string, job: Job): boolean {
  const version = versionOf(partsOf(job).decided);
  return tagsIn(ifMatch).some((tag) => tag === '*' || tag.startsWith(`"${version}.`));
}

/** Sorted: a job that was just submitted has its fields in another order than one that was read. */
function partsOf({ position, reason, deviceUse, notices, attempts, ...told }: Job) {
  const fields = Object.entries({ ...told, attempts: attempts.length });
  return {
    decided: JSON.stringify(fields.sort(([a], [b]) => (a < b ? -1 : 1))),
    rest: JSON.stringify([position, reason, deviceUse, notices, attempts]),
  };
}

const versionOf = (decided: string): string => digestOf(decided).slice(0, 12);

const digestOf = (text: string): string => createHash('sha1').update(text).digest('base64url');

/** The weak comparison: `W/` doesn't count. */
function named(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const plain = tag.replace(/^W\//, '');
  return tagsIn(ifNoneMatch).some((each) => each === '*' || each.replace(/^W\//, '') === plain);
}

const tagsIn = (header: string): string[] => header.match(/\*|(W\/)?"[^"]*"/g) ?? [];
