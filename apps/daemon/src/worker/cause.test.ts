import type { Diagnosis } from '@berth/contract';
import type { ExitRecord } from '@berth/task-shim';
import { expect, it } from 'vitest';
import type { JobSpec } from '../ledger/record.js';
import { causeOf, endUnknown } from './cause.js';

const GIB = 2 ** 30;
const killed = (
  group: Partial<NonNullable<ExitRecord['group']>>,
  limit: number | null,
  exitCode: number | null = null,
) =>
  causeOf(
    0,
    {
      exitCode,
      signal: exitCode === null ? 'SIGKILL' : null,
      launchError: null,
      group: { memoryPeakBytes: 2 * GIB, oomKills: 1, memoryLimitHits: 0, forksRefused: 0, ...group },
    } as ExitRecord,
    { limits: limit === null ? null : { memoryBytes: limit, cpus: null, processes: null } } as JobSpec,
    false,
    null,
  );

it('tells want of host memory by what the kernel counted: of the job', () => {
  expect(killed({ memoryLimitHits: 3 }, 2 * GIB)).toMatchObject({
    code: 'host_out_of_memory',
    signal: 'SIGKILL',
    sentence: expect.stringContaining('at 2 GiB: the job reached its limit of 2 GiB'),
  });
});

it('of the host; also where a shell made an exit code of it', () => {
  expect(killed({}, 8 * GIB)?.sentence).toContain('the host ran out of memory');
  expect(killed({ oomKills: 2 }, null, 137)).toMatchObject({
    code: 'host_out_of_memory',
    exitCode: 137,
    sentence: expect.stringContaining('the kernel killed processes of rank 0'),
  });
});

it('and a SIGKILL from elsewhere from it', () => {
  expect(killed({ oomKills: 0 }, GIB)?.code).toBe('signal');
  expect(killed({}, null, 0)).toBeNull();
});

it('tells of the limit of processes, which programs rarely name', () => {
  const group = { memoryPeakBytes: GIB, oomKills: 0, memoryLimitHits: 0, forksRefused: 37 };
  const ended = (processes: number | null, output: Diagnosis | null): string | undefined =>
    causeOf(
      0,
      { exitCode: 2, signal: null, launchError: null, group } as ExitRecord,
      { limits: { memoryBytes: null, cpus: null, processes } } as JobSpec,
      false,
      output,
    )?.sentence;
  const why =
    "rank 0 exited with code 2 after the job's limit of 60 processes and threads (limits.processes) had refused it 37 more";
  expect(ended(60, null)).toBe(`${why}; its log says more`);
  expect(ended(60, { line: "RuntimeError: can't start new thread" } as Diagnosis)).toBe(
    `${why}: RuntimeError: can't start new thread`,
  );
  expect(ended(null, null)).toBe('rank 0 exited with code 2; its log says more');
});

it('says what was left of a task whose shim was killed', () => {
  const left = (survivors: number): string => endUnknown(2, 'its shim was killed', survivors).sentence;
  expect(left(0)).toBe(
    'rank 2: its shim was killed, so how it ended is unknown; none of its processes was left',
  );
  expect(left(1)).toMatch(/; what was left of it was killed \(1 process\)$/);
  expect(left(3)).toMatch(/\(3 processes\)$/);
});
