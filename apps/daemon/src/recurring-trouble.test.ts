import { pino } from 'pino';
import { beforeEach, expect, it } from 'vitest';
import { RecurringTrouble } from './recurring-trouble.js';

let said: string[];
let now: number;
let trouble: RecurringTrouble;
beforeEach(() => {
  said = [];
  now = 0;
  const log = pino({ base: null, timestamp: false }, { write: (line) => said.push(line.trim()) });
  trouble = new RecurringTrouble(log, { begins: 'it fails', ends: 'it goes on', now: () => now });
});

it('is told of when it begins, once a minute with how often it came, and when it is over', () => {
  for (; now < 150_000; now += 1000) trouble.tell(new Error(`the disk is full at ${now}`), { task: 'one' });
  trouble.over({ task: 'one' });
  trouble.over();
  expect(said.map((line) => JSON.parse(line) as object)).toEqual([
    { level: 40, task: 'one', error: 'the disk is full at 0', msg: 'it fails' },
    { level: 40, task: 'one', error: 'the disk is full at 60000', times: 61, msg: 'it fails' },
    { level: 40, task: 'one', error: 'the disk is full at 120000', times: 121, msg: 'it fails' },
    { level: 30, task: 'one', failures: 150, msg: 'it goes on' },
  ]);
});

it('that comes and goes is no more than that', () => {
  for (; now < 59_000; now += 1000) {
    trouble.tell(new Error('once more'));
    trouble.over();
  }
  expect(said).toHaveLength(2);
  now = 60_000;
  trouble.tell(new Error('once more'));
  expect(said).toHaveLength(3);
});

it('of work is told by how that goes', async () => {
  await trouble.through(Promise.resolve());
  expect(said).toEqual([]);
  await trouble.through(Promise.reject(new Error('no room')));
  await trouble.through(Promise.resolve());
  expect(said.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['it fails', 'it goes on']);
});
