import { JobIdSchema, makeJobId } from '@berth/contract';
import { expect, it } from 'vitest';
import { runId } from './run-id.js';

const SCHEDULE = 'sch_01k3v9q2m8fz4c7w1xkt5';
const AT = Date.parse('2026-11-22T02:00:00Z');

it('the job of a time has one id, which is a job id and sorts by that time', () => {
  const id = runId(SCHEDULE, AT);
  expect(JobIdSchema.parse(id)).toBe(runId(SCHEDULE, AT));
  expect(id.slice(0, 13)).toBe(makeJobId(AT, (bytes) => bytes).slice(0, 13));
});

it('another time, or another schedule, is another job', () => {
  const ids = [runId(SCHEDULE, AT), runId(SCHEDULE, AT + 1000), runId(SCHEDULE.replace('k3', 'k4'), AT)];
  expect(new Set(ids).size).toBe(3);
});
