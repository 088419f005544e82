import { expect, it } from 'vitest';
import { playRound } from './round.js';

/** One that every change is measured by, and one that nobody has seen before. */
const SEEDS = [6, Date.now() % 1_000_000];

it.each(SEEDS)('nothing is lost, doubled or left behind under the faults of seed %i', async (seed) => {
  const { violations, faults, lastWords } = await playRound(seed);
  expect(violations, `npm run faults -- --seed ${seed}\n${faults.join('\n')}\n${lastWords}`).toEqual([]);
});
