import { randomUUID } from 'node:crypto';
import { type Cause, type JobId, type JobState, makeJobId } from '@berth/contract';
import { afterAll } from 'vitest';
import { Ledger } from '../../apps/daemon/dist/ledger/ledger.js';
import type { PlacedAttempt, TaskEnding } from '../../apps/daemon/dist/ledger/record.js';
import type { NewJob } from '../../apps/daemon/dist/ledger/submission.js';
import { RedisServer } from './redis-server.js';
import { PLAIN } from './sample-job.js';

export const NODE = 'host';
export const ENDING: TaskEnding = {
  endedAt: 1_795_219_500_000,
  exitCode: 0,
  signal: null,
  maxResidentBytes: 1024,
  cpuSeconds: 0.5,
  checkpoint: null,
};
export const FAILURE: Cause = { code: 'exit_code', sentence: 'exit 3', rank: 0, exitCode: 3, signal: null };
export const BY_USER: Cause = {
  code: 'user',
  sentence: 'cancelled',
  rank: null,
  exitCode: null,
  signal: null,
};

/** In s. */
export const HALF_LIFE = 604_800;

/** A ledger for one test file, in a Redis of its own, and the epoch of who leads it. */
export async function openLedger(): Promise<{ server: RedisServer; ledger: Ledger; epoch: string }> {
  const server = await RedisServer.start();
  afterAll(() => server.stop());
  const ledger = new Ledger(server.connect());
  return { server, ledger, epoch: await ledger.lead(NODE, HALF_LIFE) };
}

export const NEEDS: NewJob['needs'] = {
  user: 'ada',
  priority: 0,
  gpus: 1,
  candidates: null,
  launch: 'single',
  constraints: null,
  share: null,
  longestSeconds: null,
  graceSeconds: 30,
  preemptible: false,
  limitedGroup: null,
};

/** What a node registers of a device, as far as nobody looks. */
export const registered = (uuid: string, node = NODE) => ({
  uuid,
  index: 0,
  node,
  instance: null,
  memoryBytes: null,
  model: 'GPU',
  computeCapability: null,
  distances: {},
  labels: {},
});

export function newJob(over: Partial<NewJob> = {}): NewJob {
  return {
    id: makeJobId(Date.now(), (bytes) => crypto.getRandomValues(bytes)),
    name: 'train',
    user: 'ada',
    spec: {
      ...PLAIN,
      command: ['true'],
      workingDirectory: '/',
      preemptible: true,
      checkpointSignal: 'SIGUSR1',
    },
    held: false,
    notBefore: null,
    needs: NEEDS,
    idempotency: null,
    ...over,
  };
}

/** An attempt on devices of its own, with one task for each rank. */
export function placement(ranks = 1, device: string = randomUUID()): PlacedAttempt {
  const devices = Array.from({ length: ranks }, (_, index) => ({ uuid: `GPU-${device}-${index}`, index }));
  return {
    node: NODE,
    devices,
    tasks: devices.map(({ uuid }, rank) => ({ rank, devices: [uuid] })),
    masterPort: null,
    gpus: ranks,
    share: null,
  };
}

/** Leads a new job into a state by the way that jobs take; its first attempt has two ranks. */
export async function jobIn(state: JobState, ledger: Ledger, epoch: string): Promise<JobId> {
  const { id } = (await ledger.submit(newJob())).job;
  if (state === 'pending') return id;
  if (state === 'cancelled') {
    await ledger.stop(id, 'cancelled', BY_USER);
    return id;
  }
  await ledger.assign(epoch, id, 1, placement(2));
  if (state === 'starting') return id;
  for (const rank of [0, 1]) {
    await ledger.claim({ job: id, attempt: 1, rank }, 'worker');
    await ledger.start({ job: id, attempt: 1, rank }, 4242, Date.now());
  }
  if (state === 'running') return id;
  if (state === 'stopping') {
    await ledger.stop(id, 'cancelled', BY_USER);
    return id;
  }
  for (const rank of [0, 1]) {
    await ledger.finish({ job: id, attempt: 1, rank }, ENDING, state === 'failed' ? FAILURE : null);
  }
  return id;
}
