import { isNotNow } from '../redis/connection.js';
import { WrongLedger } from './identity.js';

const AWAY = /Command timed out|Connection is closed|ECONNREFUSED|ECONNRESET|EPIPE|ENOENT.*redis|max retries/;

/** Why the ledger can't be asked now, for people; null: that isn't why this failed. */
export function whyUnavailable(error: Error): string | null {
  if (error instanceof WrongLedger) return `${error.message}, so Berth can change nothing now`;
  if (AWAY.test(error.message))
    return 'Redis does not answer, so Berth can neither read nor change anything now';
  if (error.message.startsWith('OOM ')) return 'Redis is full (maxmemory), so Berth can change nothing now';
  if (error.message.startsWith('MISCONF '))
    return 'Redis can not write to its disk, so Berth can change nothing now';
  if (isNotNow(error))
    return `Redis refuses (${error.message.split(' ')[0]}), so Berth can change nothing now`;
  return null;
}
