import { slurmBegin, slurmSeconds } from './times.js';

/** What an option of sbatch means here: flags of `berth submit`, and what of it means nothing. */
export interface Meaning {
  flags: string[];
  /** Why it means nothing here, and what to do instead; null: it does mean all of it. */
  lost: string | null;
}

interface Rule {
  short?: string;
  /** Whether a value follows; `perhaps`: only behind `=`. */
  value: 'always' | 'never' | 'perhaps';
  means: (value: string) => Meaning;
}

const flags = (...words: string[]): Meaning => ({ flags: words, lost: null });
const lost = (why: string): Meaning => ({ flags: [], lost: why });

const renamed =
  (flag: string) =>
  (value: string): Meaning =>
    flags(flag, value);
const none = (why: string) => (): Meaning => lost(why);

const KEPT = 'berth keeps the output of every job: berth logs';
const ONE_QUEUE = 'there is one queue';
const ONE_HOST = 'there is one host';
const CORES = 'cores are not booked; for an upper limit write #BERTH --limit-cpus 8';
const HOST_MEMORY = 'host memory is not booked; for an upper limit write #BERTH --limit-memory 64GiB';
const NO_MAIL = 'berth sends no mail; write #BERTH --notify URL, or let a script wait: berth wait';
const RUNS_ONCE =
  'the script runs once; start processes in it with torchrun, or submit a command with --launch perDevice';

/** The options of sbatch (Slurm's manual page sbatch(1)) that people write. */
const RULES: Record<string, Rule> = {
  account: { short: 'A', value: 'always', means: none('there are no accounts') },
  array: { short: 'a', value: 'always', means: renamed('--array') },
  begin: { short: 'b', value: 'always', means: beginning },
  chdir: { short: 'D', value: 'always', means: renamed('--chdir') },
  comment: { value: 'always', means: (text) => flags('--label', `comment=${text}`) },
  constraint: { short: 'C', value: 'always', means: none('for a kind of device write #BERTH --model H100') },
  'cpus-per-gpu': { value: 'always', means: none(CORES) },
  'cpus-per-task': { short: 'c', value: 'always', means: none(CORES) },
  dependency: { short: 'd', value: 'always', means: dependencies },
  error: { short: 'e', value: 'always', means: none(`${KEPT} --stream stderr`) },
  exclude: { short: 'x', value: 'always', means: none(ONE_HOST) },
  exclusive: { value: 'perhaps', means: none('a job has its devices to itself anyway') },
  export: { value: 'always', means: exported },
  gpus: { short: 'G', value: 'always', means: devices },
  'gpus-per-node': { value: 'always', means: devices },
  'gpus-per-task': { value: 'always', means: devices },
  gres: { value: 'always', means: generic },
  hold: { short: 'H', value: 'never', means: () => flags('--hold') },
  'job-name': { short: 'J', value: 'always', means: renamed('--name') },
  'mail-type': { value: 'always', means: none(NO_MAIL) },
  'mail-user': { value: 'always', means: none(NO_MAIL) },
  mem: { value: 'always', means: none(HOST_MEMORY) },
  'mem-per-cpu': { value: 'always', means: none(HOST_MEMORY) },
  'mem-per-gpu': { value: 'always', means: none(HOST_MEMORY) },
  nice: {
    value: 'perhaps',
    means: (text) => flags('--priority', String(-Math.max(-1000, Math.min(1000, Number(text || 100))))),
  },
  'no-requeue': { value: 'never', means: () => flags() },
  nodelist: { short: 'w', value: 'always', means: none(ONE_HOST) },
  nodes: { short: 'N', value: 'always', means: (count) => (count === '1' ? flags() : lost(ONE_HOST)) },
  ntasks: { short: 'n', value: 'always', means: (count) => (count === '1' ? flags() : lost(RUNS_ONCE)) },
  'ntasks-per-node': { value: 'always', means: (count) => (count === '1' ? flags() : lost(RUNS_ONCE)) },
  'open-mode': { value: 'always', means: none(KEPT) },
  output: { short: 'o', value: 'always', means: none(KEPT) },
  parsable: { value: 'never', means: () => flags() },
  partition: { short: 'p', value: 'always', means: none(ONE_QUEUE) },
  priority: { value: 'always', means: none("Slurm's priorities differ: write #BERTH --priority 10") },
  qos: { short: 'q', value: 'always', means: none(ONE_QUEUE) },
  requeue: { value: 'never', means: none('write #BERTH --preemptible, or --retries 3') },
  signal: { value: 'always', means: warning },
  'test-only': { value: 'never', means: () => flags('--dry-run') },
  time: { short: 't', value: 'always', means: limit },
  wait: { short: 'W', value: 'never', means: () => flags('--wait') },
  wrap: { value: 'always', means: renamed('--wrap') },
};

const LONG_OF_SHORT = new Map(
  Object.entries(RULES).flatMap(([name, { short }]) => (short ? [[short, name] as const] : [])),
);

/** One option as it was written, and what it means. */
export interface SbatchOption extends Meaning {
  /** Whether sbatch has such an option, as far as we know. */
  isKnown: boolean;
  /** `--gres`. */
  name: string;
}

/**
 * Reads words as sbatch does, up to the first that is no option.
 * @returns the options, and the words behind them
 */
export function readSbatch(words: readonly string[]): { options: SbatchOption[]; rest: string[] } {
  const options: SbatchOption[] = [];
  let i = 0;
  for (; i < words.length; i += 1) {
    const word = words[i] as string;
    if (word === '--') return { options, rest: words.slice(i + 1) };
    const match = /^(?:--([a-z][a-z-]*)(?:=(.*))?|-([A-Za-z])=?(.+)?)$/s.exec(word);
    if (!match) break;
    const name = match[1] ?? LONG_OF_SHORT.get(match[3] as string) ?? null;
    const rule = name !== null && Object.hasOwn(RULES, name) ? (RULES[name] as Rule) : null;
    if (!rule) {
      options.push({ isKnown: false, name: word.replace(/=.*/s, ''), ...lost('berth knows no such option') });
      continue;
    }
    let value = match[2] ?? match[4];
    if (rule.value === 'always' && value === undefined) {
      i += 1;
      value = words[i] ?? '';
    }
    options.push({
      isKnown: true,
      name: match[1] ? `--${name}` : `-${match[3]}`,
      ...rule.means(value ?? ''),
    });
  }
  return { options, rest: words.slice(i) };
}

/** `2`, `a100:2`. */
function devices(text: string): Meaning {
  const match = /^(?:([A-Za-z][\w.-]*):)?(\d+)$/.exec(text);
  if (!match) return lost(`'${text}' is no number of devices`);
  return flags('--gpus', match[2] as string, ...(match[1] ? ['--model', match[1]] : []));
}

/** `gpu:2`, `gpu:a100:2`, `gpu`. */
function generic(text: string): Meaning {
  const [kind, ...more] = text.split(':');
  if (kind !== 'gpu' || text.includes(',')) return lost(`berth gives out GPUs alone, not '${text}'`);
  return more.length === 0
    ? flags('--gpus', '1')
    : devices(more.join(':').replace(/^([A-Za-z][^:]*)$/, '$1:1'));
}

function limit(text: string): Meaning {
  if (/^(0|infinite|unlimited)$/i.test(text)) return flags();
  const seconds = slurmSeconds(text);
  return seconds === null ? lost(`'${text}' is no time limit`) : flags('--time', `${seconds}s`);
}

function beginning(text: string): Meaning {
  const when = slurmBegin(text, new Date());
  return when === null
    ? lost(`write #BERTH --begin with a time such as 8h, not '${text}'`)
    : flags('--begin', when);
}

const CONDITIONS: Record<string, string> = { afterok: '', afterany: ':ended', afternotok: ':failed' };

/** `afterok:41:42,afterany:43`. */
function dependencies(text: string): Meaning {
  const unknown = `berth knows afterok, afterany and afternotok, parted by commas, not '${text}'`;
  const found: string[] = [];
  for (const part of text.split(',')) {
    const [how = '', ...jobs] = part.split(':');
    const condition = CONDITIONS[how];
    if (condition === undefined || jobs.length === 0 || jobs.some((job) => !/^\w+$/.test(job)))
      return lost(unknown);
    for (const job of jobs) found.push('--after', `slurm-${job}${condition}`);
  }
  return flags(...found);
}

/** `NONE`, `ALL`, `ALL,A=1`, `A,B=2`. */
function exported(text: string): Meaning {
  const names = text.split(',');
  const given = names.filter((name) => !/^(ALL|NONE|NIL)$/.test(name)).flatMap((pair) => ['--env', pair]);
  if (names.includes('NONE')) return flags('--export-none', ...given);
  const why = 'berth passes on PATH, PYTHONPATH and their like; name others with #BERTH --env NAME';
  return { flags: given, lost: names.includes('ALL') ? why : null };
}

/** `[R][B:]<signal>[@seconds]`, 60 seconds before the end if it doesn't say. */
function warning(text: string): Meaning {
  const match = /^(?:[RB]+:)?(?:SIG)?([A-Z0-9]+)(?:@(\d+))?$/i.exec(text);
  if (!match || /^\d+$/.test(match[1] as string)) return lost(`write #BERTH --warn 5m:USR2, not '${text}'`);
  return flags('--warn', `${match[2] ?? 60}s:${(match[1] as string).toUpperCase()}`);
}
