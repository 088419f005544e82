import { planJob } from '../planned-job.js';
import { hasBegun } from '../records.js';
import type { StoryTeller } from './story.js';

/** A job that gives way to another on its device, saves its work, and comes back. */
export const preempted: StoryTeller = (random, records) => {
  const devices = String(random.whole(0, 3));
  const patient = planJob(
    { records, does: 'saves', seconds: random.between(0.6, 1.2) },
    // So that it runs soon, whoever else waits.
    { devices, preemptible: true, priority: 50 },
  );
  const urgent = planJob({ records, seconds: 0.05 }, { devices, priority: 100 });
  return {
    jobs: () => [patient, urgent],
    play: async (client) => {
      await hasBegun(records, await client.submit(patient));
      await client.submit(urgent);
    },
  };
};
