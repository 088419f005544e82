import { execFile } from 'node:child_process';

const MOST_OUTPUT = 256 * 2 ** 20;

/** git can't be used, or says no; the message says why. */
export class GitError extends Error {
  override readonly name = 'GitError';
}

/** git didn't answer in time. */
export class GitTooSlow extends GitError {}

/** Where a command of git finds things. All of it is said, so that nothing of the repository's own settings counts. */
export interface GitPlaces {
  /** A git directory of our own; see repository.ts. */
  gitDirectory: string;
  workTree: string;
  index: string;
}

/**
 * Runs git on somebody's files, and nothing else: no hooks, filters, monitors, helpers or pagers of theirs, no network.
 * @throws GitError, GitTooSlow
 */
export function git(
  places: GitPlaces,
  argv: readonly string[],
  limitMs: number,
  input = '',
): Promise<Buffer> {
  const environment = {
    PATH: process.env.PATH,
    LC_ALL: 'C',
    HOME: places.gitDirectory,
    GIT_DIR: places.gitDirectory,
    GIT_WORK_TREE: places.workTree,
    GIT_INDEX_FILE: places.index,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: '',
  };
  const safe = ['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', '-c', 'core.quotePath=false'];
  return new Promise((resolve, reject) => {
    const child = execFile(
      'git',
      [...safe, ...argv],
      {
        cwd: places.workTree,
        env: environment,
        encoding: 'buffer',
        maxBuffer: MOST_OUTPUT,
        timeout: limitMs,
        killSignal: 'SIGKILL',
      },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        if (error.code === 'ENOENT')
          return reject(new GitError('there is no program git on the PATH of the daemon; install it'));
        if (error.killed)
          return reject(new GitTooSlow(`git needed more than ${limitMs / 1000} s for ${argv[0]}`));
        const [said = ''] = stderr.toString('utf8').trim().split('\n');
        reject(new GitError(`git ${argv[0]}: ${said.slice(0, 300) || error.message.slice(0, 300)}`));
      },
    );
    // What it says is said by the callback.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
