import { BerthProblem, BerthTimeout, BerthUnreachable } from '@berth/client';
import type { Cause, ProblemCode } from '@berth/contract';
import { describe, expect, it } from 'vitest';
import { codeOfError, codeOfJob } from './exit-codes.js';

const cause = (more: Partial<Cause>): Cause => ({
  code: 'exit_code',
  sentence: '',
  rank: 0,
  exitCode: null,
  signal: null,
  ...more,
});

describe('a job that', () => {
  it.each([
    ['succeeded', null, 0],
    ['failed', cause({ exitCode: 7 }), 7],
    ['failed', cause({ code: 'signal', signal: 'SIGKILL' }), 137],
    ['failed', cause({ code: 'signal', signal: 'SIGSEGV' }), 139],
    ['failed', cause({ code: 'time_limit', signal: 'SIGTERM' }), 124],
    ['failed', cause({ code: 'launch_error' }), 127],
    ['failed', cause({ code: 'worker_lost' }), 1],
    ['failed', cause({ code: 'out_of_memory', exitCode: 0 }), 1],
    ['cancelled', cause({ code: 'user' }), 143],
  ] as const)('%s with %o ends us with %i', (state, why, code) => {
    expect(codeOfJob({ state, cause: why })).toBe(code);
  });
});

it.each([
  ['not_found', 3],
  ['conflict', 4],
  ['unauthorized', 4],
  ['invalid_request', 2],
  ['ledger_unavailable', 5],
  ['internal_error', 1],
] as [ProblemCode, number][])('the problem %s ends us with %i', (code, exit) => {
  expect(codeOfError(new BerthProblem(code, 400, ''))).toBe(exit);
});

it('a daemon that is away ends us with 5, a mistake of ours with 1', () => {
  expect(codeOfError(new BerthUnreachable('http://x', ''))).toBe(5);
  expect(codeOfError(new BerthTimeout(''))).toBe(5);
  expect(codeOfError(new Error('?'))).toBe(1);
});
