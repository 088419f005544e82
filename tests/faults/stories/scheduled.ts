import { setTimeout as sleep } from 'node:timers/promises';
import type { Schedule } from '@berth/contract';
import type { Client } from '../client.js';
import { mostAtOnce } from '../most-at-once.js';
import { planJob } from '../planned-job.js';
import type { StoryTeller } from './story.js';

/** Far beyond what the notice of a clock that was set takes. */
const GOES_ON_WITHIN_MS = 20_000;
const PAUSED_MS = 500;

/** A schedule for every second. Of times that were missed the latest counts, and once all is well again it goes on. */
export const scheduled: StoryTeller = (random, records) => {
  const job = planJob({ records, seconds: random.between(0.02, 1.2) });
  const overlap = random.chance(0.5) ? 'skip' : 'allow';
  /** Whether it is deleted while things go wrong. */
  const isShort = random.chance(0.3);
  const pausedAfterMs = random.between(0, 1000);
  let path = '';
  let last: Schedule | null = null;
  /** When it surely was paused, by the host's clock. */
  let paused = { from: 0, to: 0 };
  /** When it was gone for good, by the host's clock. */
  let goneAt = 0;
  const remove = async (client: Client): Promise<void> => {
    last = (await (await client.insist(path)).json()) as Schedule;
    await client.insist(path, { method: 'DELETE' });
    goneAt = Date.now();
  };
  return {
    jobs: (ledger) =>
      [...ledger.values()]
        .filter(({ schedule }) => schedule !== null && path.endsWith(schedule.id))
        .map(({ id }) => ({ ...job, id })),
    play: async (client) => {
      const wanted = { cron: '* * * * * *', overlap, job: job.submission };
      const { id } = await client.make<Schedule>('/v1/schedules', wanted);
      path = `/v1/schedules/${id}`;
      await sleep(pausedAfterMs);
      const answer = await client.insist(`${path}/pause`, { method: 'POST' });
      const from = Date.now();
      if (!answer.ok) throw new Error(`a schedule can't be paused: ${await answer.text()}`);
      await sleep(PAUSED_MS);
      paused = { from, to: Date.now() };
      await client.insist(`${path}/resume`, { method: 'POST' });
      if (isShort) await remove(client);
    },
    settle: async (client) => {
      if (isShort) return;
      // A pause that nobody got an answer to may be carried out after all.
      await client.insist(`${path}/resume`, { method: 'POST' });
      const from = Date.now();
      do {
        if (Date.now() > from + GOES_ON_WITHIN_MS)
          throw new Error(`a schedule does not go on: ${JSON.stringify(last)}`);
        await sleep(50);
        last = (await (await client.insist(path)).json()) as Schedule;
      } while (!isOf(last.lastRun?.at, from));
      await remove(client);
    },
    violations: ({ ledger, notes }) => {
      const jobs = [...ledger.values()].filter(({ schedule }) => schedule?.id === last?.id);
      const times = jobs.map(({ schedule }) => Date.parse(schedule?.at as string));
      const most = mostAtOnce(jobs.map(({ id }) => notes.get(id) ?? []));
      return [
        ...(new Set(times).size < times.length
          ? [`a time of ${last?.id} has two jobs: ${times.join(', ')}`]
          : []),
        ...times
          .filter((at) => at % 1000 !== 0)
          .map((at) => `${last?.id} has a job of ${at}, which is none of its times`),
        ...(jobs.length < (last?.runs ?? 0)
          ? [`${last?.id} made ${last?.runs} jobs, of which ${jobs.length} are there`]
          : []),
        ...jobs
          .filter(({ submittedAt }) => Date.parse(submittedAt) > goneAt)
          .map(({ id }) => `${id} came of a schedule that was deleted`),
        ...jobs
          .map(({ id, submittedAt }) => ({ id, at: Date.parse(submittedAt) }))
          .filter(({ at }) => paused.from < at && at < paused.to)
          .map(({ id }) => `${id} came of a schedule that was paused`),
        ...(overlap === 'skip' && most > 1
          ? [`${most} jobs of ${last?.id} ran at a time, which was to skip that`]
          : []),
      ];
    },
  };
};

/** Whether a time is one of those that come now; the clock of the daemon may have been an hour off before. */
const isOf = (at: string | undefined, from: number): boolean =>
  at !== undefined && Date.parse(at) >= from && Date.parse(at) < from + 60_000;
