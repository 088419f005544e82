import { setTimeout as sleep } from 'node:timers/promises';
import type { StoryTeller } from './story.js';

/** Somebody exports the ledger meanwhile: what has its last line has all jobs that were acknowledged before. */
export const backup: StoryTeller = (random) => {
  const beginMs = random.between(0, 2000);
  const missing: string[] = [];
  return {
    jobs: () => [],
    play: async (client) => {
      await sleep(beginMs);
      const acknowledged = [...client.acknowledged];
      const answer = await client.ask('/v1/ledger');
      const text = answer?.ok ? await answer.text().catch(() => '') : '';
      if (!text.includes('\n{"end":true')) return;
      missing.push(...acknowledged.filter((id) => !text.includes(`"job:${id}"`)));
    },
    violations: () => missing.map((id) => `${id} is missing in an export that was made after it`),
  };
};
