import type { Group } from '@berth/contract';
import { mostAtOnce } from '../most-at-once.js';
import { planJob } from '../planned-job.js';
import type { StoryTeller } from './story.js';

const SIZE = 4;
const MOST = 2;

/** Jobs that are submitted together, of which few may run at a time. */
export const array: StoryTeller = (random, records) => {
  const member = planJob({ records, seconds: random.between(0.1, 0.4) });
  let id: string | null = null;
  return {
    jobs: (ledger) =>
      [...ledger.values()].filter(({ group }) => group?.id === id).map((job) => ({ ...member, id: job.id })),
    play: async (client) => {
      const matrix = { n: Array.from({ length: SIZE }, (_, n) => n) };
      const batch = { template: member.submission, matrix, maxParallel: MOST };
      id = (await client.make<Group>('/v1/jobs/batch', batch)).id;
    },
    violations: ({ ledger, notes }) => {
      const members = [...ledger.values()].filter(({ group }) => group?.id === id);
      const places = new Set(members.map(({ group }) => group?.index));
      const most = mostAtOnce(members.map((job) => notes.get(job.id) ?? []));
      return [
        ...(members.length === SIZE && places.size === SIZE
          ? []
          : [`${id} has ${members.length} jobs at ${places.size} places, and was to have ${SIZE}`]),
        ...(most > MOST ? [`${most} jobs of ${id} ran at a time, of which ${MOST} may`] : []),
      ];
    },
  };
};
