import { setTimeout as sleep } from 'node:timers/promises';
import { planJob } from '../planned-job.js';
import { uptime } from '../records.js';
import type { StoryTeller } from './story.js';

/** A job that is held from the beginning, or soon after; given another priority meanwhile, and released. */
export const held: StoryTeller = (random, records) => {
  const job = planJob(
    { records, seconds: random.between(0.02, 0.3) },
    random.chance(0.5) ? { hold: true } : {},
  );
  const heldMs = random.between(100, 900);
  const priority = random.whole(1, 9);
  /** Seconds since boot: from when on it was known to be held, and until when nobody had asked to release it. */
  let known: { from: number; to: number } | null = null;
  return {
    jobs: () => [job],
    play: async (client) => {
      const id = await client.submit(job);
      // One that has started already is left alone.
      if (!job.submission.hold && (await client.wish(id, 'hold')) !== 'granted') return;
      const from = uptime();
      await sleep(heldMs);
      const moved = await client.insist(`/v1/jobs/${id}`, { method: 'PATCH', body: { priority } });
      if (!moved.ok) throw new Error(`a held job can't be given a priority: ${await moved.text()}`);
      known = { from, to: uptime() };
      await client.wish(id, 'release');
    },
    settle: async (client) => {
      // A hold that nobody got an answer to may be carried out when the job waits once more.
      await client.wish(job.id as string, 'release');
    },
    violations: ({ ledger, notes }) => {
      if (!known) return [];
      const { from, to } = known;
      const isMoved = ledger.get(job.id as string)?.priority === priority;
      return [
        ...(isMoved ? [] : [`${job.id} was given priority ${priority}, which is forgotten`]),
        ...(notes.get(job.id as string) ?? [])
          .filter(({ what, at }) => what === 'start' && from < at && at < to)
          .map(({ at }) => `${job.id} started ${(at - from).toFixed(2)} s after it was held`),
      ];
    },
  };
};
