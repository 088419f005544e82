import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { type BerthClient, BerthProblem, BerthTimeout, BerthUnreachable } from '@berth/client';
import type { DoctorReport, Finding } from '@berth/contract';
import type { Command } from 'commander';
import { dataDirectoryOf, type GlobalOptions } from '../connection.js';
import { daemonCommand } from '../demo/daemon-process.js';
import { CliError, EXIT } from '../exit-codes.js';
import type { Host } from '../host.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';
import { type Colour, harmless, type Terminal } from '../terminal.js';

const DAEMON_PATIENCE_MS = 120_000;

export function addDoctor(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('doctor')
    .description('look at driver, devices, PyTorch, Redis and permissions, and say what to do')
    .option('--python <path>', 'whose PyTorch to look at (default: the first on your PATH)');
  withExamples(command, 'berth doctor', 'berth doctor --python ~/envs/train/bin/python');
  addVerb(command, kit, outcome, doctor);
}

const doctor: Action<{ python?: string }> = async (kit, options) => {
  const { terminal, host } = kit;
  const python = pythonOf(options.python, host);
  const report = await withDaemon(kit, options, python);
  if (options.json) terminal.json(report);
  else for (const line of linesOf(report, terminal)) terminal.print(line);
  return report.findings.some(({ level }) => level === 'problem') ? EXIT.failure : EXIT.ok;
};

/** What the daemon finds; where none runs, what it would find. */
async function withDaemon(
  kit: Parameters<typeof doctor>[0],
  options: GlobalOptions & { python?: string },
  python: string | null,
): Promise<DoctorReport> {
  try {
    const report = await askDaemon(kit.client, python, options.python !== undefined);
    const running = finding('ok', `berthd answers at ${kit.client.url}`, null);
    return { ...report, findings: [running, ...report.findings] };
  } catch (error) {
    const isAway =
      error instanceof BerthUnreachable ||
      error instanceof BerthTimeout ||
      (error instanceof CliError && error.exitCode === EXIT.away);
    if (!isAway) throw error;
    const absent = finding('warning', (error as Error).message, 'What follows is what one would find here');
    const report = askBerthd(options, python, kit.host);
    return { ...report, findings: [absent, ...report.findings] };
  }
}

/** Only admins may have the daemon run a python of theirs: who is none, and named none, hears of the daemon's own. */
async function askDaemon(
  client: BerthClient,
  python: string | null,
  isNamed: boolean,
): Promise<DoctorReport> {
  try {
    return await client.doctor({ python: python ?? undefined });
  } catch (error) {
    const isRefused = error instanceof BerthProblem && error.code === 'forbidden';
    if (!isRefused || isNamed || python === null) throw error;
    const report = await client.doctor();
    return { ...report, findings: [...report.findings, notLookedAt(python)] };
  }
}

function finding(level: Finding['level'], sentence: string, advice: string | null): Finding {
  return { id: 'daemon', area: 'daemon', level, sentence, advice };
}

function notLookedAt(python: string): Finding {
  const sentence = `the above is the daemon's python: only admins may have it look at yours, ${python}`;
  const advice = `See for yourself: ${python} -c 'import torch; print(torch.__version__, torch.version.cuda)'`;
  return { id: 'pytorch-yours', area: 'pytorch', level: 'note', sentence, advice };
}

function askBerthd(options: GlobalOptions, python: string | null, host: Host): DoctorReport {
  const [program, ...rest] = daemonCommand();
  const argv = [...rest, '--data-dir', dataDirectoryOf(options, host), 'doctor', '--json'];
  if (python !== null) argv.push('--python', python);
  const { status, signal, stdout, stderr, error } = spawnSync(program as string, argv, {
    encoding: 'utf8',
    env: host.environment,
    timeout: DAEMON_PATIENCE_MS,
  });
  if (status === 0) return JSON.parse(stdout) as DoctorReport;
  const ended = signal ? `it was ended by ${signal}` : `it ended with exit code ${status}`;
  throw new CliError(
    EXIT.failure,
    `berthd doctor: ${error?.message ?? (stderr.trim().split('\n')[0] || ended)}`,
  );
}

/** The python that the user's own shell would start, as an absolute path; null: the daemon is to look for one. */
function pythonOf(named: string | undefined, { environment, directory }: Host): string | null {
  if (named?.includes('/')) return isAbsolute(named) ? named : resolve(directory, named);
  const folders = (environment.PATH ?? '').split(delimiter).filter(Boolean);
  for (const name of named ? [named] : ['python3', 'python']) {
    const found = folders.map((folder) => join(folder, name)).find(isExecutable);
    if (found) return found;
  }
  if (named) throw new CliError(EXIT.usage, `--python: there is no ${named} on the PATH`);
  return null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

const AREAS: Record<Finding['area'], string> = {
  daemon: 'Daemon',
  driver: 'Driver',
  devices: 'Devices',
  pytorch: 'PyTorch',
  redis: 'Redis',
  host: 'Host',
};

const MARKS: Record<Finding['level'], { mark: string; colour: Colour }> = {
  ok: { mark: '✓', colour: 'green' },
  note: { mark: '·', colour: 'dim' },
  warning: { mark: '!', colour: 'yellow' },
  problem: { mark: '✗', colour: 'red' },
};

function linesOf({ findings }: DoctorReport, terminal: Terminal): string[] {
  const lines: string[] = [];
  for (const [area, title] of Object.entries(AREAS)) {
    const here = findings.filter((each) => each.area === area);
    if (here.length === 0) continue;
    lines.push(terminal.paint('bold', title));
    for (const { level, sentence, advice } of here) {
      const { mark, colour } = MARKS[level];
      lines.push(`  ${terminal.paint(colour, mark)} ${harmless(sentence)}`);
      if (advice) lines.push(`    ${harmless(advice)}`);
    }
  }
  const count = (level: Finding['level']): number => findings.filter((each) => each.level === level).length;
  const [problems, warnings] = [count('problem'), count('warning')];
  const summary =
    problems + warnings === 0
      ? 'all is well'
      : `${plural(problems, 'problem')}, ${plural(warnings, 'warning')}`;
  return [...lines, '', summary];
}

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
