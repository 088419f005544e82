import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { JobSubmissionInput } from '@berth/contract';
import type { Host } from './host.js';
import type { Random } from './random.js';

const JOB = fileURLToPath(new URL('job.sh', import.meta.url));
const BEHAVIOURS = [
  'plain',
  'plain',
  'plain',
  'stubborn',
  'stray',
  'group',
  'silent',
  'binary',
  'flood',
  'forks',
];
/** Beyond what a machine with far too much to do takes to start a daemon. */
const PATIENCE_MS = 120_000;

/** What a job shall do, and what of it is known. */
export interface PlannedJob {
  submission: JobSubmissionInput;
  /** The exit code of each attempt; the last one is that of all further ones. */
  exits: number[];
  retries: number;
  /** After how many ms of its life it is cancelled; null: it isn't. */
  cancelAfter: number | null;
  /** Whether it is held for a moment, with another priority when it is released. */
  isHeld: boolean;
  /** Once the daemon has acknowledged it. */
  id: string | null;
}

/** A load that the same seed makes again. */
export function planJobs(random: Random, count: number, records: string): PlannedJob[] {
  return Array.from({ length: count }, (_, i) => {
    const retries = random.chance(0.2) ? 2 : 0;
    const exits = retries > 0 ? [random.whole(1, 120), 0] : [random.chance(0.3) ? random.whole(1, 120) : 0];
    const kind = random.next();
    const environment = {
      FAULTS_RECORDS: records,
      FAULTS_DOES: random.one(BEHAVIOURS) as string,
      FAULTS_SECONDS: random.between(0.02, 0.6).toFixed(2),
      FAULTS_EXITS: exits.join(' '),
      ...(kind > 0.9 ? { FAULTS_SHARES: '-s' } : {}),
    };
    const devices = kind < 0.12 ? { gpus: 2 } : kind < 0.24 ? { gpus: 2, launch: 'perDevice' as const } : {};
    return {
      submission: {
        name: `faults-${i}`,
        command: [JOB],
        workingDirectory: '/',
        environment,
        gracePeriod: 0.5,
        // None ever comes near it, but for a clock that is believed.
        ...(random.chance(0.3) ? { timeLimit: 600 } : {}),
        ...devices,
        ...(kind > 0.9 ? { sharing: { memory: '4GiB' } } : {}),
        ...(retries > 0
          ? { retry: { limit: retries, backoff: 0.05, on: ['exit_code', 'worker_lost', 'signal'] } }
          : {}),
      },
      exits,
      retries,
      cancelAfter: random.chance(0.15) ? random.between(0, 500) : null,
      isHeld: random.chance(0.2),
      id: null,
    };
  });
}

/**
 * Submits and cancels as a client that doesn't give up: the same key until there is an answer. What the daemon says
 * meanwhile has to be honest: 503 with Retry-After, and nothing else of the kind.
 */
export class Load {
  readonly lies: string[] = [];
  private readonly host: Host;
  private readonly jobs: readonly PlannedJob[];

  constructor(host: Host, jobs: readonly PlannedJob[]) {
    this.host = host;
    this.jobs = jobs;
  }

  /** Resolves when all are acknowledged, and cancelled that are to be. */
  async run(overMs: number): Promise<void> {
    const pause = overMs / this.jobs.length;
    const ends: Promise<void>[] = [];
    for (const [i, job] of this.jobs.entries()) {
      ends.push(this.see(job, `faults-${i}`));
      await sleep(pause);
    }
    await Promise.all(ends);
  }

  private async see(job: PlannedJob, key: string): Promise<void> {
    const taken = await this.insist('/v1/jobs', {
      method: 'POST',
      body: JSON.stringify(job.submission),
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
    });
    if (!taken.ok) throw new Error(`a submission was refused: ${await taken.text()}`);
    job.id = ((await taken.json()) as { id: string }).id;
    if (job.isHeld) await this.holdForAMoment(job.id);
    if (job.cancelAfter === null) return;
    await sleep(job.cancelAfter);
    await this.insist(`/v1/jobs/${job.id}/cancel`, { method: 'POST' });
  }

  /** One that has started already is left alone. */
  private async holdForAMoment(id: string): Promise<void> {
    const path = `/v1/jobs/${id}`;
    const held = await this.insist(`${path}/hold`, { method: 'POST' });
    if (!held.ok) return;
    const headers = { 'content-type': 'application/json' };
    await this.insist(path, { method: 'PATCH', body: JSON.stringify({ priority: 1 }), headers });
    await this.insist(`${path}/release`, { method: 'POST' });
  }

  /** Asks again until an answer comes that isn't "later". */
  private async insist(path: string, init: RequestInit): Promise<Response> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const answer = await this.host.daemon
        .request(path, { ...init, signal: AbortSignal.timeout(10_000) })
        .catch(() => null);
      if (answer && answer.status < 500) return answer;
      if (answer) await this.judge(path, answer);
      if (Date.now() > deadline) throw new Error(`${path} was never answered`);
      await sleep(100);
    }
  }

  private async judge(path: string, answer: Response): Promise<void> {
    const honest = answer.status === 503 && answer.headers.has('retry-after');
    const text = await answer.text().catch(() => '');
    if (!honest) this.lies.push(`${path} was answered with ${answer.status}: ${text}`);
  }
}
