import { setTimeout as sleep } from 'node:timers/promises';
import { planJob } from '../planned-job.js';
import type { StoryTeller } from './story.js';

/** A job that is to run once more: asked for before it starts, while it runs, or after its end. */
export const requeued: StoryTeller = (random, records) => {
  const exits = [random.chance(0.5) ? random.whole(1, 120) : 0];
  const job = planJob({ records, seconds: random.between(0.02, 0.5), exits });
  const afterMs = random.between(0, 1500);
  const once = random.chance(0.3);
  return {
    jobs: () => [job],
    play: async (client) => {
      const id = await client.submit(job);
      await sleep(afterMs);
      job.requeue = await client.wish(id, 'requeue', { once });
    },
  };
};
