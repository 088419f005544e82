import { parseArgs } from 'node:util';
import { ALL_FAULTS, playRound } from './round.js';

/** `npm run faults -- [--seed N] [--rounds M] [--only FAULT]... [--list]`: exit 1 where a round has violations. */
export async function main(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      rounds: { type: 'string', default: '1' },
      only: { type: 'string', multiple: true },
      list: { type: 'boolean', default: false },
    },
  });
  if (values.list) {
    for (const { name } of ALL_FAULTS) console.log(name);
    return 0;
  }
  const first = Number(values.seed);
  const failing: number[] = [];
  for (let seed = first; seed < first + Number(values.rounds); seed += 1) {
    const { faults, violations, lastWords, seconds } = await playRound(seed, values.only ?? null);
    const verdict = violations.length === 0 ? 'nothing wrong' : `${violations.length} VIOLATIONS`;
    console.log(`seed ${seed}: ${verdict} (${seconds.toFixed(1)} s; ${faults.join(', ')})`);
    if (violations.length === 0) continue;
    failing.push(seed);
    for (const violation of violations) console.log(`  ${violation}`);
    console.log(lastWords.replace(/^/gm, '    | '));
  }
  const again = failing.map((seed) => `npm run faults -- --seed ${seed}`).join('\n');
  if (failing.length > 0) console.log(`${failing.length} of ${values.rounds} rounds failed:\n${again}`);
  return failing.length > 0 ? 1 : 0;
}
