import type { Job } from '@berth/contract';

/** What a submission leaves open. */
export const PLAIN = {
  script: null,
  account: null,
  snapshot: null,
  code: null,
  environment: {},
  labels: {},
  gpus: 1,
  devices: null,
  constraints: null,
  sharing: null,
  launch: 'single' as const,
  timeLimit: null,
  timeLimitWarning: null,
  hang: null,
  limits: null,
  checkpointPath: null,
  gracePeriod: 30,
  after: [],
  onDependencyFailure: 'fail' as const,
  retry: null,
  notify: [],
  group: null,
  schedule: null,
} satisfies Partial<Job>;

/** A job with what a test wants of it. */
export function job(more: Partial<Job> = {}): Job {
  return {
    ...PLAIN,
    id: 'job_01k3v9q2m8fz4c7w1xkt5',
    number: 12,
    name: 'train',
    user: 'ada',
    state: 'pending',
    reason: null,
    position: null,
    cause: null,
    command: ['python3', 'train.py'],
    workingDirectory: '/home/ada',
    priority: 0,
    preemptible: false,
    checkpointSignal: null,
    held: false,
    startAfter: null,
    retries: 0,
    submittedAt: '2026-11-21T02:00:00.000Z',
    startedAt: null,
    endedAt: null,
    attempts: [],
    deviceUse: null,
    notices: [],
    ...more,
  };
}
