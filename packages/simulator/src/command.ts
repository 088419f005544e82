import { Command, CommanderError, Option } from 'commander';
import { largestNode, parseCluster } from './cluster.js';
import { readCsv } from './csv.js';
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
/** What only a generated trace is shaped by. */
const SHAPING = ['seed', 'jobs', 'days', 'load'] as const;

interface Options {
  trace: string;
  seed: number;
  jobs: number;
  days: number;
  load: number;
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
  const number = (name: string, least: number, most: number, whole: boolean) => (text: string) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least && value <= most && (!whole || Number.isInteger(value)))
      return value;
    throw new InputError(
      `--${name}: '${text.slice(0, 40)}' is no ${whole ? 'whole ' : ''}number from ${least} to ${most}`,
    );
  };
  const option = (
    flags: string,
    help: string,
    initial: string | number,
    parse?: (text: string) => number,
  ) => {
    const made = new Option(flags, help).default(initial);
    return parse ? made.argParser(parse) : made;
  };
  return new Command('simulate')
    .description('Replays a trace of jobs against a described cluster in virtual time, by each policy.')
    .addOption(
      option(
        '--trace <SOURCE>',
        '`generated`, or a CSV file: submit,user,gpus,duration,timeLimit,priority',
        'generated',
      ),
    )
    .addOption(
      option(
        '--seed <N>',
        'of a generated trace: equal seeds, equal traces',
        1,
        number('seed', 0, 2 ** 31 - 1, true),
      ),
    )
    .addOption(option('--jobs <N>', 'of a generated trace', 100_000, number('jobs', 1, 1e6, true)))
    .addOption(
      option('--days <N>', 'over which a generated trace is submitted', 30, number('days', 1, 366, true)),
    )
    .addOption(
      option(
        '--load <SHARE>',
        'that a generated trace asks of the cluster',
        0.9,
        number('load', 0.01, 10, false),
      ),
    )
    .addOption(option('--cluster <SPEC>', '[NODESx]DEVICESxMODEL[-MEMORYGB]', '8x8xH100-80GB'))
    .addOption(option('--policy <LIST>', `some of ${POLICY_NAMES.join(', ')}`, POLICY_NAMES.join(',')))
    .option('--json', 'print the figures as JSON')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      writeOut: out,
      writeErr: err,
      outputError: (text, write) => write(`simulate: ${text.replace(/^error: /, '')}`),
    });
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
    out(`${JSON.stringify({ trace: { source: options.trace, ...about }, policies: reports }, null, 2)}\n`);
    return;
  }
  out(
    `${about.jobs} jobs of ${about.users} users over ${about.days.toFixed(1)} days on ${options.cluster}, ` +
      `load ${about.load === null ? 'unknown' : about.load.toFixed(2)}\n\n${renderTable(reports)}\n`,
  );
}

function loadTrace(command: Command, options: Options, devices: number, mostGpus: number): Trace {
  const { trace, seed, jobs, days, load } = options;
  if (trace === 'generated') return generate({ seed, jobs, days, load, devices, mostGpus });
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
