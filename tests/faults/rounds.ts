import { parseArgs } from 'node:util';
import { STEPS } from './failpoint-faults.js';
import { ALL_FAULTS, playRound } from './round.js';

const NAMES = ALL_FAULTS.map(({ name }) => name);

/** Arguments that say nothing that could be played. */
class Misuse extends Error {}

/**
 * `npm run faults -- [--seed N] [--rounds M] [--only FAULT]... [--list]`
 *
 * @param play tests put another in place
 * @returns the exit code: 1 where a round has violations, or no fault hit anything; 2 for arguments that can't be
 */
export async function main(argv: string[], play = playRound): Promise<number> {
  try {
    const wanted = wantedOf(argv);
    if (wanted === 'list') {
      for (const name of NAMES) console.log(name);
      return 0;
    }
    return await playAll(wanted, play);
  } catch (error) {
    if (!(error instanceof Misuse)) throw error;
    console.error(error.message);
    return 2;
  }
}

interface Wanted {
  seed: number;
  rounds: number;
  only: string[] | null;
}

function wantedOf(argv: string[]): Wanted | 'list' {
  const { seed, rounds, only, list } = flagsOf(argv);
  if (list) return 'list';
  const unknown = only?.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new Misuse(`there is no fault '${unknown}'; --list names all`);
  return {
    seed: wholeNumber('--seed', seed, 0),
    rounds: wholeNumber('--rounds', rounds, 1),
    only: only ?? null,
  };
}

function flagsOf(args: string[]) {
  const options = {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    rounds: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true },
    list: { type: 'boolean', default: false },
  } as const;
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new Misuse((error as Error).message);
  }
}

function wholeNumber(flag: string, text: string, least: number): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) < least)
    throw new Misuse(`${flag} takes a whole number from ${least} on, not '${text}'`);
  return Number(text);
}

async function playAll({ seed: first, rounds, only }: Wanted, play: typeof playRound): Promise<number> {
  const failing: number[] = [];
  let allReached = 0;
  const passed = new Set<string>();
  for (let seed = first; seed < first + rounds; seed += 1) {
    const round = await play(seed, only);
    const { faults, reached, violations, lastWords, seconds } = round;
    allReached += reached;
    for (const point of round.passed) passed.add(point);
    const verdict = violations.length === 0 ? 'nothing wrong' : `${violations.length} VIOLATIONS`;
    console.log(`seed ${seed}: ${verdict} (${seconds.toFixed(1)} s; ${faults.join(', ')})`);
    if (violations.length === 0) continue;
    failing.push(seed);
    for (const violation of violations) console.log(`  ${violation}`);
    console.log(lastWords.replace(/^/gm, '    | '));
  }
  const again = failing.map((seed) => `npm run faults -- --seed ${seed}`).join('\n');
  if (failing.length > 0) console.log(`${failing.length} of ${rounds} rounds failed:\n${again}`);
  const unseen = STEPS.filter((step) => step !== 'spawn' && !passed.has(`${step}.before`));
  console.log(`steps that no round took: ${unseen.join(', ') || 'none'}`);
  if (allReached === 0) console.log('NOTHING TESTED: no fault hit anything');
  return failing.length > 0 || allReached === 0 ? 1 : 0;
}
