import { expect, it } from 'vitest';
import { WrongLedger } from './identity.js';
import { whyUnavailable } from './unavailable.js';

it.each([
  ['Command timed out', 'unanswered'],
  ['connect ENOENT /data/redis/redis.sock', 'unanswered'],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'full'],
  [
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    'disk_failed',
  ],
  ["READONLY You can't write against a read only replica.", 'read_only'],
  ['LOADING Redis is loading the dataset in memory', 'refused'],
  ['CLUSTERDOWN The cluster is down', 'refused'],
  ['WRONGTYPE Operation against a key holding the wrong kind of value', undefined],
])('%s: %s', (message, code) => {
  expect(whyUnavailable(new Error(message))?.code).toBe(code);
});

it('tells a ledger that is another', () => {
  expect(whyUnavailable(new WrongLedger('Redis holds another'))).toEqual({
    code: 'wrong_ledger',
    sentence: 'Redis holds another, so Berth can change nothing now',
  });
});
