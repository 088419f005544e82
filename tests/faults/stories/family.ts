import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '@berth/contract';
import type { Note } from '../checker.js';
import { planJob } from '../planned-job.js';
import type { StoryTeller } from './story.js';

/** A job that others wait for: one for its success, one for its end. It is held until all are there. */
export const family: StoryTeller = (random, records) => {
  const deed = (exit: number) => ({ records, seconds: random.between(0.02, 0.3), exits: [exit] });
  const parent = planJob(deed(random.chance(0.5) ? 0 : random.whole(1, 120)), { hold: true });
  const hopeful = planJob(deed(0));
  const patient = planJob(deed(0));
  const heldMs = random.between(0, 300);
  return {
    jobs: () => [parent, hopeful, patient],
    play: async (client) => {
      const id = await client.submit(parent);
      await client.submit(hopeful, { after: [id] });
      await client.submit(patient, { after: [{ job: id, on: 'ended' }] });
      await sleep(heldMs);
      await client.wish(id, 'release');
    },
    violations: ({ ledger, notes }) => {
      const first = ledger.get(parent.id as string);
      if (!first) return [];
      const own = notes.get(first.id) ?? [];
      return [hopeful, patient].flatMap(({ id }) => {
        const child = ledger.get(id as string);
        if (!child) return [];
        const isInVain = id === hopeful.id && first.state !== 'succeeded';
        return wrongChild(child, notes.get(child.id) ?? [], own, isInVain).map(
          (what) => `${id}, which waited for ${first.id}, ${what}`,
        );
      });
    },
  };
};

function wrongChild(
  child: Job,
  notes: readonly Note[],
  parents: readonly Note[],
  isInVain: boolean,
): string[] {
  const starts = notes.filter(({ what }) => what === 'start');
  if (isInVain) {
    const isTold = child.cause?.code === 'dependency_failed';
    return starts.length === 0 && isTold ? [] : [`${starts.length > 0 ? 'ran' : child.state} in vain`];
  }
  if (child.cause?.code === 'dependency_failed') return ['failed, although that ended as it should'];
  const latest = Math.max(0, ...parents.map(({ at }) => at));
  return starts.some(({ at }) => at < latest) ? ['started before that had ended'] : [];
}
