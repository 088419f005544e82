import type { Cause, JobId } from '@berth/contract';
import { describe, expect, it } from 'vitest';
import { drillFromRecord } from '../../apps/daemon/dist/ledger/drill-view.js';
import { type PlacedAttempt, type TaskEnding, waitingJob } from '../../apps/daemon/dist/ledger/record.js';
import type { NewJob } from '../../apps/daemon/dist/ledger/submission.js';
import { BY_USER, ENDING, FAILURE, NEEDS, newJob, openLedger, placement } from '../support/ledger-story.js';

const PREEMPTED: Cause = {
  code: 'preempted',
  sentence: 'it was preempted for job 12',
  rank: null,
  exitCode: null,
  signal: null,
};
const BY_DRILL: Cause = { ...FAILURE, code: 'drill', sentence: 'a drill ended it' };

const { server, ledger, epoch } = await openLedger();

async function submit(spec: Partial<NewJob['spec']> = {}, priority = 0): Promise<JobId> {
  const job = newJob();
  const submission = { ...job, needs: { ...NEEDS, priority }, spec: { ...job.spec, ...spec } };
  return (await ledger.submit(submission)).job.id;
}

async function start(job: JobId, attempt = 1, ranks = 1): Promise<PlacedAttempt> {
  const placed = placement(ranks);
  await ledger.assign(epoch, job, attempt, placed);
  for (const { rank } of placed.tasks) {
    await ledger.claim({ job, attempt, rank }, 'worker');
    await ledger.start({ job, attempt, rank }, 4242, Date.now());
  }
  return placed;
}

const running = async (spec: Partial<NewJob['spec']> = {}): Promise<JobId> => {
  const job = await submit(spec);
  await start(job);
  return job;
};

const end = (job: JobId, more: Partial<TaskEnding> = {}, failure: Cause | null = FAILURE, attempt = 1) =>
  ledger.finish({ job, attempt, rank: 0 }, { ...ENDING, ...more }, failure);

/** Asks for what was said to the worker of the first device since then. */
async function heardBy(placed: PlacedAttempt): Promise<() => Promise<string[]>> {
  const heard: string[] = [];
  const redis = server.connect();
  await redis.subscribe(`{berth}:control:${placed.devices[0]?.uuid}`);
  redis.on('message', (_channel: string, message: string) => heard.push(message.split(' ')[0] as string));
  // What was said before it is here before its answer.
  return () => redis.ping().then(() => heard);
}

describe('a preempted job', () => {
  it('saves its work, costs no retry, and waits ahead of its class', async () => {
    const retry = { limit: 0, on: ['signal' as const], backoff: 10, maxBackoff: 10 };
    const urgent = await submit({}, 1);
    const older = await submit();
    const job = await submit({ retry });
    const heard = await heardBy(await start(job));
    expect(await ledger.preempt(epoch, job, 1, PREEMPTED)).toBe('stopping');
    expect((await ledger.job(job))?.attempts[0]?.stoppingAt).not.toBeNull();
    const checkpoint = {
      signal: 'SIGUSR1',
      sentAt: 1000,
      writtenAt: 4000,
      path: '/c',
      endedBy: 'itself',
    } as const;
    await end(job, { checkpoint }, null);
    expect(await heard()).toEqual(['save']);
    const after = await ledger.job(job);
    expect(after).toMatchObject({ state: 'pending', retries: 0, cause: null });
    expect(after?.attempts[0]).toMatchObject({
      cause: {
        code: 'preempted',
        sentence: 'it was preempted for job 12; its checkpoint was written 3s after SIGUSR1',
      },
      checkpoint: { signal: 'SIGUSR1', endedBy: 'itself', path: '/c' },
    });
    const places = (await ledger.jobsOf([urgent, job, older])).map(({ position }) => position as number);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(waitingJob((await ledger.record(job)) ?? {}).front).toBe(true);
    await ledger.stop(urgent, 'cancelled', BY_USER);
    await ledger.stop(older, 'cancelled', BY_USER);
    // In front until it ends for good, or a person decides otherwise.
    await start(job, 2);
    await ledger.requeue(job, BY_USER);
    expect((await ledger.record(job))?.front).toBeUndefined();
    await end(job, {}, null, 2);
    expect(await ledger.job(job)).toMatchObject({
      state: 'pending',
      attempts: [{}, { cause: { code: 'user' } }],
    });
    await ledger.stop(job, 'cancelled', BY_USER);
  });

  it('is told of in the event that puts it in line', async () => {
    const job = await running();
    await ledger.preempt(epoch, job, 1, PREEMPTED);
    await end(job);
    const [[, fields] = []] = await server.connect().xrevrange('{berth}:events', '+', '-', 'COUNT', 1);
    const event = Object.fromEntries((fields ?? []).flatMap((f, i, all) => (i % 2 ? [] : [[f, all[i + 1]]])));
    expect(event.type).toBe('job.requeued');
    expect(JSON.parse(event.more as string)).toMatchObject({ front: true });
  });

  it('that was not started waits again at once', async () => {
    const job = await submit();
    await ledger.assign(epoch, job, 1, placement());
    expect(await ledger.preempt(epoch, job, 1, PREEMPTED)).toBe('pending');
    expect(await ledger.preempt(epoch, job, 1, PREEMPTED)).toBe('pending');
  });

  it('waits again also where its time limit comes, or its device is lost, while it saves', async () => {
    const job = await running();
    await ledger.preempt(epoch, job, 1, PREEMPTED);
    await ledger.stop(job, 'failed', { ...FAILURE, code: 'time_limit' }, 1);
    await end(job);
    expect(await ledger.job(job)).toMatchObject({
      state: 'pending',
      attempts: [{ cause: { code: 'preempted' } }],
    });
  });

  it('is cancelled all the same, and then by SIGTERM', async () => {
    const job = await submit();
    const heard = await heardBy(await start(job));
    await ledger.preempt(epoch, job, 1, PREEMPTED);
    await ledger.stop(job, 'cancelled', BY_USER);
    await end(job);
    expect(await heard()).toEqual(['save', 'stop']);
    expect(await ledger.job(job)).toMatchObject({ state: 'cancelled', cause: { code: 'user' } });
    expect((await ledger.record(job))?.saving).toBeUndefined();
  });
});

describe('a preemption is refused', () => {
  it.each([
    ['by a scheduler that does not lead', () => 'another', {}, 1, 'not_leading'],
    ['of another attempt', () => epoch, {}, 2, 'stale_attempt'],
    ['of a job that does not allow it', () => epoch, { preemptible: false }, 1, 'not_preemptible'],
  ])('%s', async (_what, by, spec, attempt, code) => {
    const job = await running(spec);
    await expect(ledger.preempt(by(), job, attempt, PREEMPTED)).rejects.toMatchObject({ code });
    expect((await ledger.job(job))?.state).toBe('running');
  });

  it('of a job that is being stopped otherwise; and the same one twice is one', async () => {
    const job = await running();
    await ledger.preempt(epoch, job, 1, PREEMPTED);
    expect(await ledger.preempt(epoch, job, 1, PREEMPTED)).toBe('stopping');
    const other = { ...PREEMPTED, sentence: 'for another' };
    await expect(ledger.preempt(epoch, job, 1, other)).rejects.toMatchObject({ code: 'wrong_state' });
  });
});

it("a person's requeue lets a job save its work where it knows a signal for that", async () => {
  for (const [checkpointSignal, word] of [
    ['SIGUSR2', 'save'],
    [null, 'stop'],
  ] as const) {
    const job = await submit({ preemptible: false, checkpointSignal });
    const heard = await heardBy(await start(job));
    await ledger.requeue(job, BY_USER);
    await end(job);
    expect(await heard()).toEqual([word]);
    expect((await ledger.record(job))?.front).toBeUndefined();
  }
});

it('whoever stops an attempt, it is written down since when', async () => {
  const stopped = await Promise.all([running(), running(), running()]);
  const [cancelled, requeued, failing] = stopped as [JobId, JobId, JobId];
  await ledger.stop(cancelled, 'cancelled', BY_USER);
  await ledger.requeue(requeued, BY_USER);
  await end(failing);
  const gang = await submit();
  await start(gang, 1, 2);
  await end(gang);
  const since = (await ledger.jobsOf([cancelled, requeued, gang, failing])).map(
    ({ attempts }) => attempts[0]?.stoppingAt !== null,
  );
  expect(since).toEqual([true, true, true, false]);
});

describe('a drill', () => {
  const result = {
    sentAt: 1000,
    processes: 2,
    handlers: 1,
    writtenAt: null,
    path: null,
    ended: { exitCode: null, signal: 'SIGUSR1', at: 1500 },
  };
  const view = async (job: JobId, at: number, later = 0) =>
    drillFromRecord((await ledger.record(job)) ?? {}, 1, at, at + later);

  it('is joined while it runs, and another one begins anew', async () => {
    const job = await running();
    const key = { key: 'drill', digest: 'a' };
    const first = await ledger.drill(job, key);
    expect(await ledger.drill(job)).toEqual(first);
    expect((await view(job, first.at)).finished).toBe(false);
    await ledger.noteDrill({ job, attempt: 1, rank: 0 }, first.at, { ...result, ended: null });
    expect(await view(job, first.at)).toMatchObject({
      finished: true,
      ranks: [{ handlers: 1, ended: null }],
    });
    expect(await ledger.drill(job, key)).toEqual(first);
    const second = await ledger.drill(job);
    expect(second.at).toBeGreaterThanOrEqual(first.at);
    expect((await view(job, second.at)).finished).toBe(false);
  });

  it('takes no result of the one before it', async () => {
    const job = await running();
    const { at } = await ledger.drill(job);
    const late = ledger.noteDrill({ job, attempt: 1, rank: 0 }, at - 1, result);
    await expect(late).rejects.toMatchObject({ code: 'stale_attempt' });
  });

  it('is over some time after the grace period, also where nobody answers', async () => {
    const job = await running();
    const { at } = await ledger.drill(job);
    expect(await view(job, at, 40_000)).toMatchObject({
      finished: true,
      sentence: 'rank 0 was not heard of in time: its worker does not answer',
    });
  });

  it('needs a signal to send', async () => {
    const job = await running({ checkpointSignal: null });
    await expect(ledger.drill(job)).rejects.toMatchObject({ code: 'no_checkpoint_signal' });
  });

  it('that ends its job is no failure: the others may save, and it waits again ahead of its class', async () => {
    const job = await submit();
    const heard = await heardBy(await start(job, 1, 2));
    await ledger.finish({ job, attempt: 1, rank: 1 }, ENDING, BY_DRILL, true);
    await end(job);
    expect(await heard()).toEqual(['save']);
    expect(await ledger.job(job)).toMatchObject({
      state: 'pending',
      attempts: [{ cause: { code: 'drill' } }],
    });
    expect((await ledger.record(job))?.front).toBe('1');
  });
});
