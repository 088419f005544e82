import type { Job, JobList, Problem } from '@berth/contract';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestDaemon } from '../support/daemon.js';

let daemon: TestDaemon;
const jobs: Job[] = [];
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
  for (const [name, user, labels, devices] of [
    ['Train-A', 'ada', { project: 'vision' }, '0'],
    ['train-b', 'ada', { project: 'vision', size: 'large' }, '1'],
    ['eval', 'bo', { project: 'audio' }, '1'],
  ] as const) {
    const job = await daemon.shell('true', { name, user, labels, devices });
    jobs.push(await daemon.ended(job));
  }
  jobs.push(await daemon.shell('true', { name: 'later', user: 'bo', hold: true }));
});
afterAll(() => daemon.destroy());

async function list(query: string): Promise<string[]> {
  const response = await daemon.request(`/v1/jobs?${query}`);
  expect(response.status).toBe(200);
  return ((await response.json()) as JobList).items.map(({ name }) => name);
}

it.each([
  ['', ['later', 'eval', 'train-b', 'Train-A']],
  ['state=pending', ['later']],
  ['state=pending,succeeded', ['later', 'eval', 'train-b', 'Train-A']],
  ['state=pending&state=failed', ['later']],
  ['user=ada', ['train-b', 'Train-A']],
  ['name=TRAIN', ['train-b', 'Train-A']],
  ['label=project%3Dvision', ['train-b', 'Train-A']],
  ['label=project%3Dvision&label=size', ['train-b']],
  ['label=size%3Dsmall', []],
  ['device=1', ['eval', 'train-b']],
  ['device=1&user=bo&state=succeeded', ['eval']],
  ['since=1h', ['later', 'eval', 'train-b', 'Train-A']],
  ['until=1h', []],
  ['since=2099-01-01T00:00:00Z', []],
])('lists what is asked for: %s', async (query, names) => {
  expect(await list(query)).toEqual(names);
});

it('finds devices by UUID, also those that are gone, and times to the millisecond', async () => {
  const [first, second] = jobs as [Job, Job];
  const uuid = second.attempts[0]?.devices[0]?.uuid as string;
  expect(await list(`device=${uuid}`)).toEqual(['eval', 'train-b']);
  expect(await list('device=GPU-00000000-1111-2222-3333-444444444444')).toEqual([]);
  expect(await list(`since=${second.submittedAt}`)).toEqual(['later', 'eval', 'train-b']);
  expect(await list(`until=${second.submittedAt}`)).toEqual([first.name]);
});

it('walks pages to the end, each job once', async () => {
  const seen: number[] = [];
  let cursor: string | null = null;
  do {
    const next: string = cursor === null ? '' : `&cursor=${cursor}`;
    const page = (await (
      await daemon.request(`/v1/jobs?limit=1&state=succeeded,pending&name=a${next}`)
    ).json()) as JobList;
    seen.push(...page.items.map(({ number }) => number));
    cursor = page.nextCursor;
  } while (cursor !== null);
  expect(seen).toEqual([4, 3, 2, 1]);
});

it.each([
  ['colour=red&size=1', 'colour', /no parameter 'colour'/],
  ['state=done', 'state/0', /pending/],
  ['device=9', 'device', /no device 9/],
  ['label=%3D1', 'label/0', /name=value/],
  ['limit=1&limit=2', 'limit', /./],
  [`state=${'pending,'.repeat(40)}pending`, 'state', /32/],
  ['since=9007199254740992', 'since', /is no time/],
  ['since=soon', 'since', /is no time: write .*Z, or how long ago/],
  ['cursor=x', 'cursor', /no cursor/],
])('refuses by name what it does not know: %s', async (query, pointer, detail) => {
  const response = await daemon.request(`/v1/jobs?${query}`);
  const problem = (await response.json()) as Problem;
  expect(response.status).toBe(422);
  expect(problem.errors?.slice(0, 1)).toEqual([
    { pointer, detail: expect.stringMatching(detail) as unknown as string },
  ]);
});
