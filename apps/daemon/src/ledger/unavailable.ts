import type { Logger } from 'pino';
import { isNotNow } from '../redis/connection.js';
import { WrongLedger } from './identity.js';

/**
 * Why the ledger can't be asked, for machines: `wrong_ledger` is one that was emptied or exchanged, `disk_failed` a Redis that
 * can't write to its disk, `refused` one that can't for another reason now.
 */
export type UnavailableCode =
  | 'unanswered'
  | 'wrong_ledger'
  | 'full'
  | 'disk_failed'
  | 'read_only'
  | 'refused';

export interface Unavailable {
  code: UnavailableCode;
  /** For people, without a full stop. */
  sentence: string;
}

const AWAY = /Command timed out|Connection is closed|ECONNREFUSED|ECONNRESET|EPIPE|ENOENT.*redis|max retries/;

/** Why the ledger can't be asked now; null: that isn't why this failed. */
export function whyUnavailable(error: Error): Unavailable | null {
  const so = (code: UnavailableCode, why: string, what = 'change nothing'): Unavailable => ({
    code,
    sentence: `${why}, so Berth can ${what} now`,
  });
  if (error instanceof WrongLedger) return so('wrong_ledger', error.message);
  if (AWAY.test(error.message))
    return so('unanswered', 'Redis does not answer', 'neither read nor change anything');
  if (!isNotNow(error)) return null;
  const [reply] = error.message.split(' ');
  if (reply === 'OOM') return so('full', 'Redis is full (maxmemory)');
  if (reply === 'MISCONF') return so('disk_failed', 'Redis can not write to its disk');
  if (reply === 'READONLY') return so('read_only', 'Redis is read-only (a replica)');
  return so('refused', `Redis refuses (${reply})`);
}

/** Warns of each error of something that goes on by itself. That the ledger can't be asked its connections say, once. */
export function warnUnlessUnavailable(log: Logger, what: string): (error: Error) => void {
  return (error) => log[whyUnavailable(error) ? 'debug' : 'warn']({ error: error.message }, what);
}
