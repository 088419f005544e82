import type { Job } from '@berth/contract';
import { expect, it } from 'vitest';
import type { Evidence, Note } from './checker.js';
import type { Client } from './client.js';
import type { PlannedJob } from './planned-job.js';
import { Random } from './random.js';
import { uptime } from './records.js';
import { array } from './stories/array.js';
import { backup } from './stories/backup.js';
import { limited, shared } from './stories/crowds.js';
import { drained } from './stories/drained.js';
import { family } from './stories/family.js';
import { guest } from './stories/guest.js';
import { held } from './stories/held.js';
import { scheduled } from './stories/scheduled.js';
import type { Story, StoryTeller } from './stories/story.js';

/** The least of everything: no pauses but short ones. */
class Least extends Random {
  override next(): number {
    return 0;
  }
}
const tell = (teller: StoryTeller): Story => teller(new Least(1, 'test'), '/nowhere');

/** Says yes to everything. @param answer what is read, by path */
function yes(answer: (path: string) => object = () => ({})): Client {
  let made = 0;
  const client = {
    acknowledged: ['job_1'],
    submit: async (job: PlannedJob) => {
      made += 1;
      job.id = `job_${made}`;
      return job.id;
    },
    make: async () => ({ id: 'made', token: 'secret' }),
    wish: async () => 'granted',
    insist: async (path: string) => Response.json(answer(path)),
    ask: async (path: string) => Response.json(answer(path)),
  };
  return client as unknown as Client;
}

const start = (at: number): Note => ({ what: 'start', attempt: 1, rank: 0, pid: 7, detail: '0', at });
const stay = (from: number, to: number): Note[] => [start(from), { ...start(to), what: 'end' }];

function evidence(jobs: Record<string, Partial<Job>>, notes: Record<string, Note[]> = {}): Evidence {
  const ledger = Object.entries(jobs).map(([id, job]): [string, Job] => [id, { id, ...job } as Job]);
  return {
    planned: [],
    ledger: new Map(ledger),
    notes: new Map(Object.entries(notes)),
    harmed: new Set(),
    devicesFailed: false,
  };
}

const found = (story: Story, given: Evidence): string => (story.violations?.(given) ?? []).join('\n');

it('a held job may not start before it is released, nor lose its new priority', async () => {
  const story = tell(held);
  const begin = uptime();
  await story.play(yes());
  const moved = { job_1: { priority: 1 } };
  expect(found(story, evidence(moved, { job_1: [start(uptime() + 1)] }))).toBe('');
  expect(found(story, evidence(moved, { job_1: [start(begin + 0.05)] }))).toMatch(/after it was held/);
  expect(found(story, evidence({ job_1: { priority: 0 } }))).toMatch(/forgotten/);
});

it('nothing may be placed on a device that is drained', async () => {
  const story = tell(drained);
  const begin = Date.now();
  await story.play(yes());
  const placed = (at: number, index: number) => {
    const attempt = { placedAt: new Date(at).toISOString(), devices: [{ uuid: 'GPU-1', index }] };
    return found(story, evidence({ job_1: { attempts: [attempt] } as unknown as Partial<Job> }));
  };
  expect(placed(begin + 100, 0)).toMatch(/placed on device 0/);
  expect(placed(begin + 100, 1)).toBe('');
  expect(placed(Date.now() + 100, 0)).toBe('');
});

it('who waits for a job starts after its end, and not in vain', async () => {
  const story = tell(family);
  await story.play(yes());
  const failed = { state: 'failed', cause: { code: 'dependency_failed' } } as Partial<Job>;
  const [well, ill] = [{ state: 'succeeded' }, { state: 'failed' }] as Partial<Job>[];
  const parents = stay(1, 2);
  const play = (first = well, second = well, third = well, at = 2) => {
    const jobs = { job_1: first, job_2: second, job_3: third } as Record<string, Partial<Job>>;
    const runs = second === failed ? [] : [start(at)];
    return found(story, evidence(jobs, { job_1: parents, job_2: runs, job_3: [start(at)] }));
  };
  expect(play()).toBe('');
  expect(play(ill, failed)).toBe('');
  expect(play(ill)).toMatch(/ran in vain/);
  expect(play(well, failed)).toMatch(/although that ended as it should/);
  expect(play(well, well, well, 1.5)).toMatch(/started before that had ended/);
});

it('an array is whole, and has no more at a time than it may', async () => {
  const story = tell(array);
  await story.play(yes());
  const group = (index: number): Partial<Job> => ({ group: { id: 'made', index, parameters: {} } });
  const members = Object.fromEntries([0, 1, 2, 3].map((index) => [`job_${index}`, group(index)]));
  const three = { job_0: stay(1, 3), job_1: stay(1, 3), job_2: stay(2, 3) };
  expect(found(story, evidence(members))).toBe('');
  expect(found(story, evidence({ ...members, job_3: group(2) }))).toMatch(/4 jobs at 3 places/);
  expect(found(story, evidence(members, three))).toMatch(/3 jobs of made ran at a time/);
});

it.each([
  ['limits of a user', limited, 1],
  ['shares of a device', shared, 2],
])('%s hold', async (_what, teller, most) => {
  const story = tell(teller);
  await story.play(yes());
  const together = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`job_${i + 1}`, stay(1, 2)]));
  expect(found(story, evidence({}, together(most)))).toBe('');
  expect(found(story, evidence({}, together(most + 1)))).toMatch(/ran at a time/);
});

it('a time of a schedule has one job, and none comes of one that was deleted', async () => {
  const story = tell(scheduled);
  const client = yes(() => ({
    id: 'made',
    runs: 2,
    lastRun: { at: new Date(Date.now() + 10).toISOString() },
  }));
  const begin = Date.now();
  await story.play(client);
  await story.settle?.(client);
  const run = (at: string, submittedAt = '2026-01-01T00:00:00Z', id = 'made') =>
    ({ schedule: { id, at }, submittedAt }) as Partial<Job>;
  const [one, other] = [run('2026-01-01T00:00:00Z'), run('2026-01-01T00:00:01Z')];
  expect(found(story, evidence({ one, other }))).toBe('');
  expect(found(story, evidence({ one, other: one }))).toMatch(/has two jobs/);
  expect(found(story, evidence({ one }))).toMatch(/made 2 jobs, of which 1 are there/);
  expect(found(story, evidence({ one, other: run('2026-01-01T00:00:01.5Z') }))).toMatch(/none of its times/);
  const meanwhile = run('2026-01-01T00:00:02Z', new Date(begin + 250).toISOString());
  expect(found(story, evidence({ one, other, meanwhile }))).toMatch(/schedule that was paused/);
  const late = run('2026-01-01T00:00:02Z', new Date(Date.now() + 1000).toISOString());
  expect(found(story, evidence({ one, other, late }))).toMatch(/schedule that was deleted/);
  expect(found(story, evidence({ one, other }, { one: stay(1, 3), other: stay(2, 4) }))).toMatch(
    /to skip that/,
  );
});

it('a token that was revoked opens nothing', async () => {
  const story = tell(guest);
  await story.play(yes());
  expect(found(story, evidence({ job_1: { user: 'guest' } }))).toMatch(/is answered with 200/);
});

it('an export has every job that was acknowledged before it', async () => {
  const exported = async (text: string) => {
    const story = tell(backup);
    const client = { acknowledged: ['job_1'], ask: async () => new Response(text) };
    await story.play(client as unknown as Client);
    return found(story, evidence({}));
  };
  expect(await exported('{"key":"job:job_1"}\n{"end":true}')).toBe('');
  expect(await exported('{"key":"job:job_2"}\n{"end":true}')).toMatch(/job_1 is missing/);
  expect(await exported('{"key":"job:job_2"}\n')).toBe('');
});
