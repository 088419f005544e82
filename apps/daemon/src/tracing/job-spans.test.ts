import type { Attempt, Job } from '@berth/contract';
import { expect, it } from 'vitest';
import { type JobSpan, spansOf } from './job-spans.js';

const at = (second: number): string => new Date(second * 1000).toISOString();
const attempt = (
  number: number,
  placed: number,
  started: number | null,
  ended: number,
  sentence?: string,
): Attempt =>
  ({
    number,
    placedAt: at(placed),
    startedAt: started === null ? null : at(started),
    endedAt: at(ended),
    devices: [{ uuid: `GPU-${number}`, index: number }],
    cause: sentence ? { code: 'exit_code', sentence, rank: 0, exitCode: 1, signal: null } : null,
  }) as Attempt;
const job = (state: Job['state'], ended: number, ...attempts: Attempt[]): Job =>
  ({
    id: 'job_1',
    number: 7,
    name: 'train',
    user: 'ada',
    gpus: 1,
    state,
    submittedAt: at(10),
    endedAt: at(ended),
    cause: attempts.at(-1)?.cause ?? null,
    attempts,
    environment: { SECRET: 'key' },
  }) as unknown as Job;
/** Names with their seconds, indented. */
const outline = ({ name, from, until, failure, children }: JobSpan, indent = ''): string[] => [
  `${indent}${name} ${from / 1000}-${until / 1000}${failure ? ` ! ${failure}` : ''}`,
  ...children.flatMap((child) => outline(child, `${indent}  `)),
];

it('a job’s life is its waits and attempts, each from when the one before ended', () => {
  const tried = job('succeeded', 90, attempt(1, 20, 21, 40, 'it exited with 1'), attempt(2, 60, 62, 90));
  expect(outline(spansOf(tried))).toEqual([
    'job 10-90',
    '  wait 10-20',
    '  attempt 20-40 ! it exited with 1',
    '    start 20-21',
    '    run 21-40',
    '  wait 40-60',
    '  attempt 60-90',
    '    start 60-62',
    '    run 62-90',
  ]);
  expect(JSON.stringify(spansOf(tried))).not.toContain('key');
});

it('of one that never started there is the wait alone, and no stretch ends before it begins', () => {
  expect(outline(spansOf(job('cancelled', 30)))).toEqual(['job 10-30', '  wait 10-30']);
  expect(outline(spansOf(job('failed', 19, attempt(1, 20, null, 19, 'no such file'))))).toEqual([
    'job 10-19 ! no such file',
    '  wait 10-20',
    '  attempt 20-20 ! no such file',
  ]);
});
