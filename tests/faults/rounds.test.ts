import { expect, it, vi } from 'vitest';
import { playRound } from './round.js';
import { main } from './rounds.js';

/** As long as each of two strands goes on: 90 s together. */
const STRAND_MS = 45_000;
/** One that every change is measured by, and one that nobody has seen before. */
const FIRST_SEEDS = [6, Date.now() % 1_000_000];

it.concurrent.each(FIRST_SEEDS)(
  'nothing is lost, doubled or left behind under the faults of seed %i and those after it',
  async (first) => {
    const end = Date.now() + STRAND_MS;
    for (let seed = first; Date.now() < end; seed += 1) {
      const { violations, faults, lastWords } = await playRound(seed);
      expect(violations, `npm run faults -- --seed ${seed}\n${faults.join('\n')}\n${lastWords}`).toEqual([]);
    }
  },
);

const quiet = { seed: 1, faults: [], passed: [], violations: [], lastWords: '', seconds: 0 };

it.each([
  [['--only', 'kil worker']],
  [['--rounds', 'ten']],
  [['--rounds', '0']],
  [['--seed', '-1']],
  [['--sed', '1']],
])('what can not be played is refused: %j', async (argv) => {
  const play = vi.fn(async () => ({ ...quiet, reached: 1 }));
  expect(await main(argv, play)).toBe(2);
  expect(play).not.toHaveBeenCalled();
});

it('a run in which no fault hit anything has not passed', async () => {
  const played = (reached: number) => main(['--rounds', '2'], async () => ({ ...quiet, reached }));
  expect(await played(0)).toBe(1);
  expect(await played(1)).toBe(0);
});
