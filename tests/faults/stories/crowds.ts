import type { JobSubmissionInput } from '@berth/contract';
import { mostAtOnce } from '../most-at-once.js';
import { planJob } from '../planned-job.js';
import type { Random } from '../random.js';
import type { Story, StoryTeller } from './story.js';

const JOBS = 3;

/** A user who may run one job at a time (the daemon's setting `users`). */
export const LIMITED_USER = 'limited';

/** Jobs of one user who is limited to one at a time. */
export const limited: StoryTeller = (random, records) => crowd(random, records, 1, { user: LIMITED_USER });

/** Jobs that share one device, of whose 15 GiB two may have as much as that. */
export const shared: StoryTeller = (random, records) =>
  crowd(random, records, 2, { devices: String(random.whole(0, 3)), sharing: { memory: '6GiB' } });

function crowd(random: Random, records: string, most: number, submission: JobSubmissionInput): Story {
  const jobs = Array.from({ length: JOBS }, () =>
    planJob({ records, seconds: random.between(0.1, 0.4) }, submission),
  );
  return {
    jobs: () => jobs,
    play: async (client) => {
      await Promise.all(jobs.map((job) => client.submit(job)));
    },
    violations: ({ notes }) => {
      const found = mostAtOnce(jobs.map(({ id }) => notes.get(id as string) ?? []));
      const who = Object.values(submission).map((value) => JSON.stringify(value));
      return found > most ? [`${found} jobs of ${who.join(' ')} ran at a time, of which ${most} may`] : [];
    },
  };
}
