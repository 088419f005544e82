import { DamagedRecord, damageOf } from './damage.js';
import { readGroup } from './groups.js';
import { readSchedule } from './schedules.js';
import { readToken, readUser } from './users.js';

type Hash = Record<string, string>;

/** What tells whether something can be read, by the key that it is kept under. */
const READERS: readonly [RegExp, (id: string, hash: Hash) => unknown][] = [
  [/^job:([^:]+)$/, (id, hash) => asDamage(id, damageOf(id, hash))],
  [/^group:([^:]+)$/, readGroup],
  [/^schedule:([^:]+)$/, readSchedule],
  [/^user:([^:]+)$/, readUser],
  [/^token:([^:]+)$/, readToken],
];

/** Whether what is kept under a key has a form of its own. @param key without the prefix */
export const hasForm = (key: string): boolean => READERS.some(([form]) => form.test(key));

/**
 * Why what is kept under a key can't be read; null: it can, or is nothing that has a form of its own.
 * @param key without the prefix
 */
export function damageUnder(key: string, hash: Hash): DamagedRecord | null {
  for (const [form, read] of READERS) {
    const id = form.exec(key)?.[1];
    const found = id === undefined ? null : read(id, hash);
    if (found instanceof DamagedRecord) return found;
  }
  return null;
}

const asDamage = (id: string, why: string | null) =>
  why === null ? null : new DamagedRecord('job', id, why);
