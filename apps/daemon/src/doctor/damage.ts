import type { Finding } from '@berth/contract';
import { findingsOf } from './finding.js';

const { note, problem } = findingsOf('redis');

const MOST_NAMED = 10;

/** What the daemon has met in the ledger that it can't read, each with what to do about it. */
export function judgeDamage(damages: readonly { sentence: string; advice: string }[]): Finding[] {
  const named = damages
    .slice(0, MOST_NAMED)
    .map(({ sentence, advice }) => problem('damage', sentence, advice));
  const more = damages.length - named.length;
  if (more > 0)
    named.push(note('damage', `${more} more can not be read`, 'berthd --verify tells of all of them'));
  return named;
}
