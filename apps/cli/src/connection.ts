import { existsSync, readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { BerthClient } from '@berth/client';
import { formatDuration } from '@berth/contract';
import { CliError, EXIT } from './exit-codes.js';
import type { Host } from './host.js';

/** Long enough for a daemon that is restarting, short enough for someone who forgot to start it. */
const RETRY_SECONDS = 2;

/** The flags that every verb has. */
export interface GlobalOptions {
  url?: string;
  token?: string;
  dataDir?: string;
  json?: boolean;
}

/** Where a daemon is and what it wants to see. */
export type Connection = ({ url: string } | { socketPath: string }) & { token: string | undefined };

/** Where a daemon of the whole host is. */
const SYSTEM_DIRECTORY = '/var/lib/berth';

/** The data directory that berth and berthd share by default: root's, or the user's own (XDG). */
export function dataDirectoryOf({ dataDir }: GlobalOptions, { environment, directory }: Host): string {
  const named = dataDir ?? (environment.BERTH_DATA_DIR || undefined);
  if (named !== undefined) return resolve(directory, named);
  if (userInfo().uid === 0) return SYSTEM_DIRECTORY;
  return join(environment.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'berth');
}

/**
 * The daemon that flags, environment or data directory name, in this order.
 * @throws CliError with what to do where there is none
 */
function findDaemon(options: GlobalOptions, host: Host): Connection {
  const url = options.url ?? (host.environment.BERTH_URL || undefined);
  if (url !== undefined) return findAddress(options, host);
  // By the socket the daemon knows who we are.
  for (const directory of directoriesOf(options, host)) {
    const socketPath = join(directory, 'berth.sock');
    const token = options.token ?? (host.environment.BERTH_TOKEN || undefined);
    if (existsSync(socketPath)) return { socketPath, token };
  }
  return findAddress(options, host);
}

/** Where a daemon may be, the likeliest first: who names no data directory and has no daemon of their own means the host's. */
function directoriesOf(options: GlobalOptions, host: Host): string[] {
  const directory = dataDirectoryOf(options, host);
  const isNamed = Boolean(options.dataDir ?? host.environment.BERTH_DATA_DIR);
  return isNamed || directory === SYSTEM_DIRECTORY ? [directory] : [directory, SYSTEM_DIRECTORY];
}

/**
 * As `findDaemon`, but never the socket: for programs that can't go by it.
 * @throws CliError with what to do where there is none
 */
export function findAddress(options: GlobalOptions, host: Host): { url: string; token: string | undefined } {
  const token = options.token ?? (host.environment.BERTH_TOKEN || undefined);
  const url = options.url ?? (host.environment.BERTH_URL || undefined);
  if (url === undefined) {
    const found = readAddress(directoriesOf(options, host));
    return { url: found.url, token: token ?? readToken(found.directory) };
  }
  // The token of this host's daemon is nobody else's business.
  const isOurs = token === undefined && isLoopback(url);
  return { url, token: isOurs ? readToken(dataDirectoryOf(options, host)) : token };
}

/** Where the page signs in by itself. Behind the #: browsers send that to nobody. */
export const signInAddress = (url: string, token: string): string => `${url}/#token=${token}`;

/** @throws CliError for an address or a token that can't be one */
export function connect(options: GlobalOptions, host: Host): BerthClient {
  try {
    let isSaid = false;
    const onOldAnswer = (ageSeconds: number): void => {
      const age = formatDuration(Math.ceil(ageSeconds));
      if (!isSaid) host.stderr.write(`berth: as it was ${age} ago: the daemon can't ask its ledger now\n`);
      isSaid = true;
    };
    return new BerthClient({ ...findDaemon(options, host), retrySeconds: RETRY_SECONDS, onOldAnswer });
  } catch (error) {
    if (error instanceof TypeError) throw new CliError(EXIT.usage, error.message);
    throw error;
  }
}

/** @throws CliError where none of them has a daemon */
function readAddress(directories: readonly string[]): { directory: string; url: string } {
  for (const directory of directories) {
    const file = join(directory, 'address.json');
    const text = readIfAllowed(file);
    if (text === null) continue;
    try {
      const { url } = JSON.parse(text) as { url?: unknown };
      if (typeof url === 'string') return { directory, url };
    } catch {
      // Said below.
    }
    throw new CliError(EXIT.away, `${file} can't be understood; restart berthd`);
  }
  const hint = 'start one with "berthd", or name another with --url or --data-dir';
  throw new CliError(EXIT.away, `no daemon runs on ${directories.join(' or ')}; ${hint}`);
}

/** undefined: there is none, or it is another account's. */
function readToken(directory: string): string | undefined {
  return readIfAllowed(join(directory, 'token'))?.trim();
}

/** null: there is no such file, or it is not for us. */
function readIfAllowed(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return null;
    throw new CliError(EXIT.failure, message);
  }
}

function isLoopback(url: string): boolean {
  return URL.canParse(url) && /^(localhost|127\..*|\[::1\])$/.test(new URL(url).hostname);
}
