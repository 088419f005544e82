import type { TokenId } from '@berth/contract';
import { beforeEach, expect, it, vi } from 'vitest';
import type { LedgerEvent } from '../ledger/event-feed.js';
import type { LedgerProblem } from '../ledger/ledger-watch.js';
import type { Caller } from './caller.js';
import { KnownCallers } from './known-callers.js';

const ada: Caller = {
  name: 'ada',
  role: 'viewer',
  unixAccount: null,
  by: 'token',
  token: 'tok_1' as TokenId,
  expiresAt: null,
};
const silent = () => Promise.reject(new Error('Command timed out'));

let problem: LedgerProblem | null;
let tell: (event: Partial<LedgerEvent>) => void;
let callers: KnownCallers;

beforeEach(async () => {
  problem = null;
  const listen = (listener: (events: LedgerEvent[]) => void) => {
    tell = (event) => listener([event as LedgerEvent]);
    return () => undefined;
  };
  callers = new KnownCallers({ listen }, () => problem);
  await callers.of('key', true, async () => ada);
});

it('asks the ledger as long as that answers', async () => {
  const changed = { ...ada, role: 'user' as const };
  expect(await callers.of('key', true, async () => changed)).toBe(changed);
});

it('knows who was let in before where Redis just fell silent, and asks no more once that is known', async () => {
  expect(await callers.of('key', true, silent)).toBe(ada);
  problem = { code: 'unanswered', sentence: 'Redis has not answered for 3 s', since: 0 };
  const ask = vi.fn(silent);
  expect(await callers.of('key', true, ask)).toBe(ada);
  expect(ask).not.toHaveBeenCalled();
  await expect(callers.of('another', true, ask)).rejects.toMatchObject({ code: 'ledger_unavailable' });
});

it('lets nobody in by memory where that will not do', async () => {
  await expect(callers.of('key', false, silent)).rejects.toThrow('timed out');
});

it.each<[string, () => unknown]>([
  [
    'was refused since',
    () => callers.of('key', true, () => Promise.reject(new Error('revoked'))).catch(() => 0),
  ],
  ['has lost the token', () => tell({ type: 'user.changed', user: 'ada', more: 'tok_1' })],
  ['was changed', () => tell({ type: 'user.changed', user: 'ada' })],
  [
    'has a token that expired',
    () => callers.of('key', true, async () => ({ ...ada, expiresAt: Date.now() - 1 })),
  ],
])('forgets who %s', async (_, happen) => {
  await happen();
  await expect(callers.of('key', true, silent)).rejects.toThrow('timed out');
});

it('remembers a thousand', async () => {
  for (let i = 0; i < 1000; i += 1) await callers.of(`key ${i}`, true, async () => ada);
  expect(await callers.of('key 0', true, silent)).toBe(ada);
  await expect(callers.of('key', true, silent)).rejects.toThrow('timed out');
});
