import { setTimeout as sleep } from 'node:timers/promises';
import type { StoryTeller } from './story.js';

/** A device that somebody takes out for a while. */
export const drained: StoryTeller = (random) => {
  const index = random.whole(0, 3);
  const beginMs = random.between(0, 1500);
  const drainedMs = random.between(200, 1000);
  /** By the host's clock, which Redis has too. */
  let known: { from: number; to: number } | null = null;
  return {
    jobs: () => [],
    play: async (client) => {
      await sleep(beginMs);
      await client.insist(`/v1/devices/${index}/drain`, { method: 'POST' });
      const from = Date.now();
      await sleep(drainedMs);
      known = { from, to: Date.now() };
      await client.insist(`/v1/devices/${index}/resume`, { method: 'POST' });
    },
    violations: ({ ledger }) => {
      if (!known) return [];
      const { from, to } = known;
      return [...ledger.values()].flatMap(({ id, attempts }) =>
        attempts
          .filter(({ devices }) => devices.some((device) => device.index === index))
          .map(({ placedAt }) => Date.parse(placedAt))
          .filter((at) => from < at && at < to)
          .map((at) => `${id} was placed on device ${index} ${at - from} ms after that was drained`),
      );
    },
  };
};
