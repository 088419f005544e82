import { planJob } from '../planned-job.js';
import { hasBegun } from '../records.js';
import type { StoryTeller } from './story.js';

/** A job that is asked to show how it saves its work: it ends by that, and runs again. */
export const drilled: StoryTeller = (random, records) => {
  const job = planJob(
    { records, does: 'saves', seconds: random.between(0.4, 0.8) },
    { checkpointSignal: 'SIGUSR1', priority: 50 },
  );
  return {
    jobs: () => [job],
    play: async (client) => {
      const id = await client.submit(job);
      await hasBegun(records, id);
      await client.wish(id, 'drill', { once: true });
    },
  };
};
