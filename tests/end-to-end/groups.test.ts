import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Group, JobList, Problem } from '@berth/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

let daemon: TestDaemon;
const scratch = mkdtempSync(join(tmpdir(), 'berth-groups-'));
beforeAll(async () => {
  daemon = await TestDaemon.start('8xH100-80GB');
});
afterAll(async () => {
  await daemon.destroy();
  rmSync(scratch, { recursive: true });
});

const submit = (body: object, headers: Record<string, string> = {}): Promise<Response> =>
  daemon.post('/v1/jobs/batch', body, headers);
const groupOf = async ({ id }: Group): Promise<Group> =>
  (await (await daemon.request(`/v1/groups/${id}`)).json()) as Group;

describe('a sweep', () => {
  it('is a job for every combination, each with its own values in command and environment', async () => {
    const script = `touch "${scratch}/{lr}_{seed}_$BERTH_PARAM_lr_$BERTH_ATTEMPT"`;
    const template = {
      script: script.replace('_$BERTH_ATTEMPT', ''),
      workingDirectory: '/',
      name: 'lr {lr}',
    };
    const response = await submit({ template, matrix: { lr: [0.1, 0.01], seed: [1, 2, 3] } });
    expect(response.status).toBe(201);
    const group = (await response.json()) as Group;
    expect(group).toMatchObject({ size: 6, name: 'lr {lr}' });
    await eventually(
      () => groupOf(group),
      ({ states }) => states.succeeded === 6,
    );
    expect(readdirSync(scratch)).toHaveLength(6);
    expect(readdirSync(scratch)).toContain('0.01_3_0.01');
    const list = (await (await daemon.request(`/v1/jobs?group=${group.id}`)).json()) as JobList;
    expect(list.items.map(({ group: place }) => place?.index)).toEqual([5, 4, 3, 2, 1, 0]);
    expect(list.items.at(-1)).toMatchObject({
      name: 'lr 0.1',
      group: { id: group.id, parameters: { lr: 0.1, seed: 1 } },
    });
  });

  it('of 10,000 jobs is taken in one call, and ends as one', async () => {
    const values = Array.from({ length: 100 }, (_, i) => i);
    const template = { command: ['true', '{a}', '{b}'], workingDirectory: '/', hold: true };
    const group = (await (await submit({ template, matrix: { a: values, b: values } })).json()) as Group;
    expect(group.states).toMatchObject({ pending: 10_000 });
    const response = await daemon.request(`/v1/groups/${group.id}/cancel`, { method: 'POST' });
    expect(response.status).toBe(202);
    expect(((await response.json()) as Group).states).toMatchObject({ pending: 0, cancelled: 10_000 });
  });
});

it('a list of jobs may hold jobs of all kinds; sent again with its key it is the same group', async () => {
  const jobs = [
    { command: ['true'], workingDirectory: '/', devices: '3' },
    { script: 'true', workingDirectory: '/', gpus: 2 },
  ];
  const key = { 'idempotency-key': crypto.randomUUID() };
  const first = (await (await submit({ jobs, name: 'two' }, key)).json()) as Group;
  const again = await submit({ jobs, name: 'two' }, key);
  expect([again.status, ((await again.json()) as Group).id]).toEqual([200, first.id]);
  expect((await submit({ jobs: jobs.slice(1) }, key)).status).toBe(409);
  await eventually(
    () => groupOf(first),
    ({ states }) => states.succeeded === 2,
  );
});

describe('bad input', () => {
  const template = { command: ['true'], workingDirectory: '/' };
  it.each([
    [{}, /nothing to submit/],
    [{ jobs: [] }, /jobs/],
    [{ template }, /nothing to submit/],
    [{ template, matrix: {} }, /name at least one parameter/],
    [{ template, matrix: { 'a b': [1] } }, /a parameter has a name such as lr/],
    [{ template, matrix: { a: [] } }, /name at least one value/],
    [{ template, matrix: { a: Array(101).fill(1), b: Array(100).fill(1) } }, /more than 10000 combinations/],
    [{ jobs: [template], template, matrix: { a: [1] } }, /not both/],
    [{ jobs: [template, { ...template, gpus: 99 }] }, /#\/jobs\/1\/gpus: asks for 99 devices/],
    [{ jobs: [template, { command: [] }] }, /#\/jobs\/1\/command/],
    [{ template: { ...template, devices: '42' }, matrix: { a: [1] } }, /#\/template\/devices/],
  ])('%j is refused, and nothing of it is taken', async (body, says) => {
    const count = async () =>
      ((await (await daemon.request('/v1/jobs?limit=1')).json()) as JobList).items[0]?.number;
    const before = await count();
    const response = await submit(body);
    expect(response.status).toBe(422);
    expect(((await response.json()) as Problem).detail).toMatch(says);
    expect(await count()).toBe(before);
  });

  it('a group that is not there is a 404', async () => {
    expect((await daemon.request('/v1/groups/grp_000000000000000000000')).status).toBe(404);
    expect((await daemon.request('/v1/groups/none')).status).toBe(422);
  });
});
