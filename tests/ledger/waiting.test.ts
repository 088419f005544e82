import type { Cause, JobId, Retry } from '@berth/contract';
import { describe, expect, it } from 'vitest';
import type { NewJob } from '../../apps/daemon/dist/ledger/submission.js';
import { BY_USER, ENDING, FAILURE, jobIn, newJob, openLedger, placement } from '../support/ledger-story.js';

const { server, ledger, epoch } = await openLedger();

type Conditions = Partial<NewJob['spec']> & { held?: boolean; notBefore?: number };

async function submit({ held = false, notBefore, ...spec }: Conditions = {}): Promise<JobId> {
  const job = newJob();
  const submission = { ...job, held, notBefore: notBefore ?? null, spec: { ...job.spec, ...spec } };
  return (await ledger.submit(submission)).job.id;
}

async function following(
  other: JobId,
  on: 'succeeded' | 'failed' | 'ended' = 'succeeded',
  more: Conditions = {},
) {
  const number = (await ledger.job(other))?.number as number;
  return submit({ ...more, after: [{ job: other, number, on }] });
}

/** Runs a pending job's next attempt, on a device of its own, to this end. */
async function run(job: JobId, failure: Cause | null = null): Promise<void> {
  const attempt = ((await ledger.job(job))?.attempts.length ?? 0) + 1;
  await ledger.assign(epoch, job, attempt, placement());
  await ledger.claim({ job, attempt, rank: 0 }, 'worker');
  await ledger.start({ job, attempt, rank: 0 }, 4242, Date.now());
  await ledger.finish({ job, attempt, rank: 0 }, ENDING, failure);
}

const seen = async (job: JobId) => {
  const { state, reason, position } = (await ledger.job(job)) ?? {};
  return { state, code: reason?.code ?? null, inLine: position !== null };
};

describe('a held job', () => {
  it('has no place in line until it is released', async () => {
    const job = await submit({ held: true });
    expect(await seen(job)).toEqual({ state: 'pending', code: 'held', inLine: false });
    await ledger.release(job);
    expect(await seen(job)).toEqual({ state: 'pending', code: null, inLine: true });
    await ledger.hold(job);
    expect((await seen(job)).code).toBe('held');
  });

  it('is said to change once, however often it is held', async () => {
    const job = await submit();
    const redis = server.connect();
    const before = await redis.xlen('{berth}:events');
    for (let i = 0; i < 3; i += 1) await ledger.hold(job);
    expect((await redis.xlen('{berth}:events')) - before).toBe(1);
  });
});

it('a job that is not to start yet says when it may', async () => {
  const at = Date.now() + 3_600_000;
  const job = await submit({ notBefore: at });
  expect((await ledger.job(job))?.reason).toMatchObject({
    code: 'start_after',
    at: new Date(at).toISOString(),
  });
});

describe('dependencies', () => {
  it('let a job into the line when all have ended as they should', async () => {
    const [first, second] = [await submit(), await submit()];
    const numbers = (await ledger.jobsOf([first, second])).map(({ number }) => number) as [number, number];
    const job = await submit({
      after: [
        { job: first, number: numbers[0], on: 'succeeded' },
        { job: second, number: numbers[1], on: 'ended' },
      ],
    });
    expect(await seen(job)).toEqual({ state: 'pending', code: 'dependency', inLine: false });
    expect((await ledger.job(job))?.reason?.sentence).toBe(
      `waits until job ${numbers[0]} has succeeded and job ${numbers[1]} has ended`,
    );
    await run(first);
    expect((await ledger.job(job))?.after.map(({ open }) => open)).toEqual([false, true]);
    await run(second, FAILURE);
    expect(await seen(job)).toEqual({ state: 'pending', code: null, inLine: true });
  });

  it('end a job that waited in vain, and all that waited for it', async () => {
    const first = await submit();
    const second = await following(first);
    const third = await following(second);
    const otherwise = await following(second, 'failed');
    await run(first, FAILURE);
    for (const job of [second, third]) {
      expect(await ledger.job(job)).toMatchObject({
        state: 'failed',
        cause: { code: 'dependency_failed' },
        after: [{ open: false }],
      });
    }
    const { number } = (await ledger.job(first)) ?? {};
    expect((await ledger.job(second))?.cause?.sentence).toBe(
      `it was to start when job ${number} had succeeded, but that one has failed`,
    );
    expect(await seen(otherwise)).toEqual({ state: 'pending', code: null, inLine: true });
  });

  it('count a cancelled job as ended, and as nothing else', async () => {
    const first = await submit();
    const [onEnd, onFailure] = [await following(first, 'ended'), await following(first, 'failed')];
    await ledger.stop(first, 'cancelled', BY_USER);
    expect((await seen(onEnd)).inLine).toBe(true);
    expect((await ledger.job(onFailure))?.cause?.sentence).toMatch(/but that one was cancelled$/);
  });

  it('are waited for on, where the job was told to, until the other is requeued and ends well', async () => {
    const first = await submit();
    const job = await following(first, 'succeeded', { onDependencyFailure: 'wait' });
    await run(first, FAILURE);
    expect((await seen(job)).code).toBe('dependency');
    await ledger.requeue(first, BY_USER);
    await run(first);
    expect((await seen(job)).inLine).toBe(true);
  });

  it('that have ended already count at once', async () => {
    const done = await jobIn('succeeded', ledger, epoch);
    expect((await seen(await following(done))).inLine).toBe(true);
  });

  it('that do not exist, or can not be met any more, are refused and change nothing', async () => {
    const failed = await jobIn('failed', ledger, epoch);
    const count = async () => (await ledger.idsInState('pending')).length;
    const before = await count();
    await expect(following(failed)).rejects.toMatchObject({
      code: 'dependency_unmet',
      found: [failed, 'failed'],
    });
    const unknown = [{ job: newJob().id, number: 1, on: 'ended' as const }];
    await expect(submit({ after: unknown })).rejects.toMatchObject({ code: 'not_found' });
    expect(await count()).toBe(before);
    expect((await seen(await following(failed, 'failed'))).inLine).toBe(true);
  });

  it('may form a long chain', async () => {
    const first = await submit();
    let last = first;
    for (let i = 0; i < 300; i += 1) last = await following(last);
    await run(first, FAILURE);
    expect((await ledger.job(last))?.state).toBe('failed');
  });
});

describe('retries', () => {
  const policy: Retry = { limit: 2, on: ['exit_code', 'device_lost'], backoff: 10, maxBackoff: 15 };
  const retryOf = async (job: JobId) => {
    const { state, retries, startAfter, reason } = (await ledger.job(job)) ?? {};
    const wait = startAfter ? (Date.parse(startAfter) - Date.now()) / 1000 : null;
    return { state, retries, wait, code: reason?.code };
  };

  it('put a job in line again after a wait that grows, until the limit', async () => {
    const job = await submit({ retry: policy });
    await run(job, FAILURE);
    const first = await retryOf(job);
    expect(first).toMatchObject({ state: 'pending', retries: 1, code: 'backoff' });
    expect(first.wait).toBeGreaterThan(4);
    expect(first.wait).toBeLessThanOrEqual(10);
    await run(job, FAILURE);
    const second = await retryOf(job);
    expect(second.wait).toBeGreaterThan(7);
    expect(second.wait).toBeLessThanOrEqual(15);
    await run(job, FAILURE);
    expect(await ledger.job(job)).toMatchObject({ state: 'failed', retries: 2, cause: FAILURE });
    expect((await ledger.job(job))?.attempts).toHaveLength(3);
  });

  it('come only after the causes and exit codes that were named', async () => {
    const signalled = await submit({ retry: policy });
    await run(signalled, { ...FAILURE, code: 'signal' });
    const otherCode = await submit({ retry: { ...policy, exitCodes: [75] } });
    await run(otherCode, FAILURE);
    const thisCode = await submit({ retry: { ...policy, exitCodes: [75, 3] } });
    await run(thisCode, FAILURE);
    const states = (await ledger.jobsOf([signalled, otherCode, thisCode])).map(({ state }) => state);
    expect(states).toEqual(['failed', 'failed', 'pending']);
  });

  it('come after a lost device, and not after a cancel', async () => {
    const running = async (): Promise<JobId> => {
      const job = await submit({ retry: policy });
      await ledger.assign(epoch, job, 1, placement());
      await ledger.claim({ job, attempt: 1, rank: 0 }, 'worker');
      await ledger.start({ job, attempt: 1, rank: 0 }, 1, Date.now());
      return job;
    };
    const [lost, cancelled] = [await running(), await running()];
    await ledger.stop(lost, 'failed', { ...FAILURE, code: 'device_lost' }, 1);
    await ledger.stop(cancelled, 'cancelled', BY_USER);
    for (const job of [lost, cancelled]) await ledger.finish({ job, attempt: 1, rank: 0 }, ENDING, FAILURE);
    // Told a second time, of the attempt that is over, it is no end of the job that waits again.
    const late = ledger.stop(lost, 'failed', { ...FAILURE, code: 'device_lost' }, 1);
    await expect(late).rejects.toMatchObject({ code: 'stale_attempt' });
    expect(await ledger.job(lost)).toMatchObject({
      state: 'pending',
      attempts: [{ cause: { code: 'device_lost' } }],
    });
    expect((await ledger.job(cancelled))?.state).toBe('cancelled');
  });

  it('keep dependants waiting, for the job has not ended', async () => {
    const first = await submit({ retry: policy });
    const job = await following(first);
    await run(first, FAILURE);
    expect((await seen(job)).code).toBe('dependency');
    await run(first);
    expect((await seen(job)).inLine).toBe(true);
  });
});

describe('requeue', () => {
  it('looks anew at what a job waits for: that may have ended while it was not in line', async () => {
    const [met, unmet, open] = [await submit(), await submit(), await submit()];
    const after = await Promise.all(
      [met, unmet, open].map(async (job) => ({
        job,
        number: (await ledger.job(job))?.number as number,
        on: 'succeeded' as const,
      })),
    );
    const job = await submit({ after });
    await ledger.stop(job, 'cancelled', BY_USER);
    await run(met);
    await run(unmet, FAILURE);
    await ledger.requeue(job, BY_USER);
    expect((await ledger.job(job))?.after.map((each) => each.open)).toEqual([false, true, true]);
    expect(await seen(job)).toMatchObject({ state: 'pending', code: 'dependency', inLine: false });
    await run(open);
    await ledger.requeue(unmet, BY_USER);
    await run(unmet);
    expect(await seen(job)).toMatchObject({ state: 'pending', inLine: true });
  });

  it('gives an ended job a new attempt, at its old place', async () => {
    const job = await jobIn('failed', ledger, epoch);
    expect(await ledger.requeue(job, BY_USER)).toBe('pending');
    expect(await ledger.job(job)).toMatchObject({ state: 'pending', cause: null, endedAt: null });
    await run(job);
    expect(await ledger.job(job)).toMatchObject({
      state: 'succeeded',
      attempts: [{ number: 1 }, { number: 2 }],
    });
  });

  it('stops one that runs, and puts it in line when nothing of it is left', async () => {
    const job = await jobIn('running', ledger, epoch);
    expect(await ledger.requeue(job, BY_USER)).toBe('stopping');
    expect(await ledger.requeue(job, BY_USER)).toBe('stopping');
    for (const rank of [0, 1]) await ledger.finish({ job, attempt: 1, rank }, ENDING, FAILURE);
    expect(await ledger.job(job)).toMatchObject({
      state: 'pending',
      attempts: [{ cause: { code: 'user' } }],
    });
  });

  it('is overruled by a cancel that comes later', async () => {
    const job = await jobIn('running', ledger, epoch);
    await ledger.requeue(job, BY_USER);
    await ledger.stop(job, 'cancelled', BY_USER);
    for (const rank of [0, 1]) await ledger.finish({ job, attempt: 1, rank }, ENDING, null);
    expect((await ledger.job(job))?.state).toBe('cancelled');
  });
});

describe('change', () => {
  it('moves a waiting job to another place in line', async () => {
    const [one, other] = [await submit(), await submit()];
    await ledger.change(other, { priority: 900 });
    expect((await ledger.job(other))?.position).toBe(1);
    expect((await ledger.job(one))?.position).toBeGreaterThan(1);
    expect((await ledger.job(other))?.priority).toBe(900);
  });

  it('keeps the rest of it, also when several change it at once', async () => {
    const job = await submit();
    await Promise.all([
      ledger.change(job, { spec: { labels: { a: '1' } } }),
      ledger.change(job, { spec: { timeLimit: 60 } }),
      ledger.change(job, { priority: 3 }),
    ]);
    expect(await ledger.job(job)).toMatchObject({ labels: { a: '1' }, timeLimit: 60, priority: 3 });
  });
});
