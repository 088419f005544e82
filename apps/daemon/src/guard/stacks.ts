import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Account } from '@berth/task-shim';
import { readProcess } from './host-process.js';

const MOST_PROCESSES = 4;
const PATIENCE_MS = 10_000;
const LONGEST_BYTES = 8192;

interface Tool {
  program: string;
  argv(pid: number): string[];
  /** Its output without what it says of itself. */
  clean(output: string): string;
}

const TOOLS: readonly Tool[] = [
  {
    program: 'py-spy',
    argv: (pid) => ['dump', '--pid', String(pid)],
    clean: (output) => output,
  },
  {
    program: 'gdb',
    argv: (pid) => [
      ...['-nx', '-batch', '-iex', 'set auto-load off', '-iex', 'set debuginfod enabled off'],
      ...['-ex', 'set width 0', '-ex', 'thread apply all bt 20', '-p', String(pid)],
    ],
    clean: (output) =>
      output
        .split('\n')
        .filter((line) => /^(?:#|Thread \d)/.test(line))
        .join('\n'),
  },
];

/**
 * Where processes stand, for people: by py-spy or gdb, whichever there is and may look, or else by what the kernel says that they wait
 * for. The tools run as the account of the processes, so that they can do nothing that it couldn't.
 * @param path where the tools are looked for
 * @param account null: ours
 */
export async function stacksOf(
  pids: readonly number[],
  path: string,
  account: Pick<Account, 'uid' | 'gid'> | null,
): Promise<string> {
  const stacks: string[] = [];
  for (const pid of pids.slice(0, MOST_PROCESSES)) stacks.push(await stackOf(pid, path, account));
  return stacks.join('\n\n').slice(0, LONGEST_BYTES);
}

async function stackOf(
  pid: number,
  path: string,
  account: Pick<Account, 'uid' | 'gid'> | null,
): Promise<string> {
  const title = `process ${pid} (${readProcess(pid)?.command ?? 'gone'})`;
  for (const { program, argv, clean } of TOOLS) {
    const stack = clean(await outputOf(program, argv(pid), path, account)).trim();
    if (stack !== '') return `${title}, by ${program}:\n${stack}`;
  }
  return `${title} waits in ${waitsIn(pid)}; py-spy or gdb would say where in its code`;
}

/** What a program writes; nothing where it isn't there, fails or takes too long. */
function outputOf(
  program: string,
  argv: readonly string[],
  path: string,
  account: Pick<Account, 'uid' | 'gid'> | null,
): Promise<string> {
  const options = {
    timeout: PATIENCE_MS,
    maxBuffer: 2 ** 24,
    env: { PATH: path },
    cwd: '/',
    ...idsOf(account),
  };
  return new Promise((resolve) => {
    execFile(program, argv, options, (error, stdout) => resolve(error ? '' : stdout));
  });
}

const idsOf = (account: Pick<Account, 'uid' | 'gid'> | null) =>
  account ? { uid: account.uid, gid: account.gid } : {};

function waitsIn(pid: number): string {
  try {
    const where = readFileSync(`/proc/${pid}/wchan`, 'utf8').trim();
    return where === '' || where === '0' ? 'its own code' : `the kernel's ${where}`;
  } catch {
    return 'a place that is not to be seen from here';
  }
}
