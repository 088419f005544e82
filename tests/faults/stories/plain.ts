import { setTimeout as sleep } from 'node:timers/promises';
import { planJob } from '../planned-job.js';
import type { StoryTeller } from './story.js';

const BEHAVIOURS = [
  'plain',
  'plain',
  'plain',
  'stubborn',
  'stray',
  'group',
  'silent',
  'binary',
  'flood',
  'forks',
];

/** A job of any kind; some are cancelled, by people that ask until they are answered, or only once. */
export const plain: StoryTeller = (random, records) => {
  const retries = random.chance(0.2) ? 2 : 0;
  const fails = random.whole(1, 120);
  const kind = random.next();
  const devices = kind < 0.12 ? { gpus: 2 } : kind < 0.24 ? { gpus: 2, launch: 'perDevice' as const } : {};
  const job = planJob(
    {
      records,
      does: random.one(BEHAVIOURS) as string,
      seconds: random.between(0.02, 0.6),
      exits: retries > 0 ? [fails, 0] : [random.chance(0.3) ? fails : 0],
      retries,
    },
    {
      // None ever comes near it, but for a clock that is believed.
      ...(random.chance(0.3) ? { timeLimit: 600 } : {}),
      ...devices,
      ...(kind > 0.9 ? { sharing: { memory: '4GiB' } } : {}),
    },
  );
  const cancelAfter = random.chance(0.2) ? random.between(0, 500) : null;
  const once = random.chance(0.5);
  return {
    jobs: () => [job],
    play: async (client) => {
      const id = await client.submit(job);
      if (cancelAfter === null) return;
      await sleep(cancelAfter);
      job.cancel = await client.wish(id, 'cancel', { once });
    },
  };
};
