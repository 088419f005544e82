import { Command, CommanderError, Option } from 'commander';
import { largestNode, parseCluster } from './cluster.js';
import { COLUMNS, readCsv } from './csv.js';
import { generate } from './generate.js';
import { makePolicy, POLICY_NAMES, parsePolicies } from './policies.js';
import { replay } from './replay.js';
import { reportOn } from './report.js';
import { renderTable } from './table.js';
import { InputError, runSeconds, type Trace } from './trace.js';

export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** sysexits.h: the command was used wrongly. */
const EX_USAGE = 64;
const GENERATED = 'generated';
/** What only a generated trace is shaped by. */
const SHAPING = ['seed', 'jobs', 'days', 'load', 'unlimited'] as const;

interface Options {
  trace: string;
  seed: number;
  jobs: number;
  days: number;
  load: number;
  unlimited: number;
  cluster: string;
  policy: string;
  json?: true;
}

/** Replays a trace by each policy and prints how they did. @returns the exit code */
export function run(argv: readonly string[], { out, err }: Output): number {
  const command = makeCommand({ out, err });
  try {
    command.parse(argv, { from: 'user' });
    simulate(command, { out, err });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EX_USAGE;
    if (!(error instanceof InputError)) throw error;
    err(`simulate: ${error.message}\n`);
    return EX_USAGE;
  }
}

function makeCommand({ out, err }: Output): Command {
  return new Command('simulate')
    .description('Replays a trace of jobs against a described cluster in virtual time, by each policy.')
    .option('--trace <SOURCE>', `${GENERATED}, or a CSV file: ${COLUMNS.join()}`, GENERATED)
    .addOption(number('seed', 'of a generated trace: equal seeds, equal traces', 1, [0, 2 ** 31 - 1]))
    .addOption(number('jobs', 'in a generated trace', 100_000, [1, 1e6]))
    .addOption(number('days', 'over which a generated trace is submitted', 30, [1, 366]))
    .addOption(share('load', 'of the cluster that a generated trace asks for', 0.9, [0.01, 10]))
    .addOption(share('unlimited', 'of generated jobs that have no time limit', 0.2, [0, 1]))
    .option('--cluster <SPEC>', '[NODESx]DEVICESxMODEL[-MEMORYGB]', '8x8xH100-80GB')
    .option('--policy <LIST>', 'in the order of the columns', POLICY_NAMES.join())
    .option('--json', 'print the figures as JSON')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      writeOut: out,
      writeErr: err,
      outputError: (text, write) => write(`simulate: ${text.replace(/^error: /, '')}`),
    });
}

type Range = readonly [least: number, most: number];

const number = (name: string, help: string, initial: number, range: Range): Option =>
  new Option(`--${name} <N>`, help)
    .default(initial)
    .argParser((text) => inRange(name, text, range, { whole: true }));

const share = (name: string, help: string, initial: number, range: Range): Option =>
  new Option(`--${name} <SHARE>`, help)
    .default(initial)
    .argParser((text) => inRange(name, text, range, { whole: false }));

function inRange(name: string, text: string, [least, most]: Range, { whole }: { whole: boolean }): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most && (!whole || Number.isInteger(value)))
    return value;
  throw new InputError(
    `--${name}: '${text.slice(0, 40)}' is no ${whole ? 'whole ' : ''}number from ${least} to ${most}`,
  );
}

function simulate(command: Command, { out, err }: Output): void {
  const options = command.opts<Options>();
  const devices = parseCluster(options.cluster);
  const policies = parsePolicies(options.policy);
  const trace = loadTrace(command, options, devices.length, largestNode(devices));
  const reports = policies.map((policy) => {
    const began = performance.now();
    const report = { policy, ...reportOn(replay(trace, makePolicy(policy, devices)), devices.length) };
    err(
      `simulate: ${trace.length} jobs by ${policy} in ${((performance.now() - began) / 1000).toFixed(1)} s\n`,
    );
    return report;
  });
  const about = { ...describe(trace, devices.length), cluster: options.cluster };
  if (options.json) {
    const { trace: source, seed, unlimited } = options;
    const origin = source === GENERATED ? { source, seed, unlimited } : { source };
    out(`${JSON.stringify({ trace: { ...origin, ...about }, policies: reports }, null, 2)}\n`);
    return;
  }
  out(
    `${about.jobs} jobs of ${about.users} users over ${about.days.toFixed(1)} days on ${options.cluster}, ` +
      `load ${about.load === null ? 'unknown' : about.load.toFixed(2)}\n\n${renderTable(reports)}\n`,
  );
}

function loadTrace(command: Command, options: Options, devices: number, mostGpus: number): Trace {
  const { trace, seed, jobs, days, load, unlimited } = options;
  if (trace === GENERATED) return generate({ seed, jobs, days, load, unlimited, devices, mostGpus });
  const shaped = SHAPING.find((name) => command.getOptionValueSource(name) !== 'default');
  if (shaped) throw new InputError(`--${shaped} shapes a generated trace; ${trace} is what it is`);
  return readCsv(trace, mostGpus);
}

function describe(trace: Trace, devices: number) {
  const span = (trace.at(-1)?.submit ?? 0) - (trace[0]?.submit ?? 0);
  const demand = trace.reduce((sum, job) => sum + job.gpus * runSeconds(job), 0);
  return {
    jobs: trace.length,
    users: new Set(trace.map(({ user }) => user)).size,
    days: span / 86_400,
    load: span > 0 ? demand / (span * devices) : null,
  };
}
