import {
  JOB_TRANSITIONS,
  type JobId,
  type JobState,
  JobStateSchema,
  type JobTransition,
} from '@berth/contract';
import { describe, expect, it } from 'vitest';
import { LedgerRefusal } from '../../apps/daemon/dist/ledger/refusal.js';
import {
  BY_USER,
  ENDING,
  FAILURE,
  HALF_LIFE,
  jobIn,
  NEEDS,
  NODE,
  newJob,
  openLedger,
  placement,
  registered,
} from '../support/ledger-story.js';

const { server, ledger, epoch: first } = await openLedger();
let epoch = first;

const everything = (): Promise<string[]> => server.everything();

async function refusalOf(promise: Promise<unknown>): Promise<string> {
  const outcome = await promise.then(
    () => 'ok',
    (error: unknown) => error,
  );
  if (outcome instanceof LedgerRefusal) return outcome.code;
  if (outcome === 'ok') return 'ok';
  throw outcome;
}

/** Tries a transition on a job as somebody would who thinks that it fits. */
const attempts: Record<JobTransition, (id: JobId) => Promise<unknown>> = {
  assign: (id) => ledger.assign(epoch, id, 1, placement()),
  claim: (id) => ledger.claim({ job: id, attempt: 1, rank: 0 }, 'another worker'),
  start: (id) => ledger.start({ job: id, attempt: 1, rank: 0 }, 1, 1),
  stop: (id) => ledger.stop(id, 'cancelled', BY_USER),
  preempt: (id) => ledger.preempt(epoch, id, 1, { ...BY_USER, code: 'preempted' }),
  drill: (id) => ledger.drill(id),
  finish: (id) => ledger.finish({ job: id, attempt: 1, rank: 0 }, ENDING, null),
  hold: (id) => ledger.hold(id),
  release: (id) => ledger.release(id),
  requeue: (id) => ledger.requeue(id, BY_USER),
  change: (id) => ledger.change(id, { priority: -1 }),
};

describe('every transition from every state', () => {
  const pairs = Object.keys(JOB_TRANSITIONS).flatMap((transition) =>
    JobStateSchema.options.map((state) => [transition as JobTransition, state] as const),
  );

  it.each(pairs.filter(([transition, state]) => !JOB_TRANSITIONS[transition][state]))(
    'refuses to %s a job that is %s, and changes nothing',
    async (transition, state) => {
      const id = await jobIn(state, ledger, epoch);
      const before = await everything();
      const outcome = await refusalOf(attempts[transition](id));
      // What was done already may be asked for again; it answers ok and is not done again.
      const repeated = ['start', 'finish'].includes(transition) && ['succeeded', 'failed'].includes(state);
      expect(outcome === 'ok').toBe(repeated && transition === 'finish');
      expect(await everything()).toEqual(before);
    },
  );

  it.each(pairs.filter(([transition, state]) => JOB_TRANSITIONS[transition][state]))(
    'leads by %s from %s only to where the state machine says',
    async (transition, state) => {
      const id = await jobIn(state, ledger, epoch);
      await refusalOf(attempts[transition](id));
      const after = (await ledger.job(id))?.state as JobState;
      expect([state, ...(JOB_TRANSITIONS[transition][state] ?? [])]).toContain(after);
    },
  );
});

describe('submit', () => {
  it('numbers jobs from 1 on and finds them by number', async () => {
    const { id } = (await ledger.submit(newJob())).job;
    const job = await ledger.job(id);
    expect(await ledger.idOfNumber(String(job?.number))).toBe(id);
    expect(job).toMatchObject({
      state: 'pending',
      attempts: [],
      user: 'ada',
      command: ['true'],
      cause: null,
    });
  });

  it('gives the first job again for the same key and body, and refuses the key for another body', async () => {
    const first = await ledger.submit(newJob({ idempotency: { key: 'k', digest: 'a' } }));
    const again = await ledger.submit(newJob({ idempotency: { key: 'k', digest: 'a' } }));
    expect([first.replayed, again.replayed, again.job.id]).toEqual([false, true, first.job.id]);
    expect(await refusalOf(ledger.submit(newJob({ idempotency: { key: 'k', digest: 'b' } })))).toBe(
      'idempotency_conflict',
    );
  });

  it('takes a submission once that was sent twice', async () => {
    const job = newJob();
    await ledger.submit(job);
    const before = await everything();
    await ledger.submit(job);
    expect(await everything()).toEqual(before);
  });

  it('orders the queue by priority, then by number', async () => {
    const { job: low } = await ledger.submit(newJob({ needs: { ...NEEDS, priority: -3 } }));
    const { job: high } = await ledger.submit(newJob({ needs: { ...NEEDS, priority: 7 } }));
    const { job: higher } = await ledger.submit(newJob({ needs: { ...NEEDS, priority: 8 } }));
    const [first, second, last] = await ledger.jobsOf([higher.id, high.id, low.id]);
    expect([first?.position, second?.position]).toEqual([1, 2]);
    expect(last?.position).toBe(await server.connect().zcard('{berth}:queue'));
  });
});

describe('assign', () => {
  it('is refused to a scheduler that no longer leads', async () => {
    const id = await jobIn('pending', ledger, epoch);
    const old = epoch;
    epoch = await ledger.lead(NODE, HALF_LIFE);
    expect(await refusalOf(ledger.assign(old, id, 1, placement()))).toBe('not_leading');
  });

  it('never gives a device away that somebody holds', async () => {
    const [one, other] = [await jobIn('pending', ledger, epoch), await jobIn('pending', ledger, epoch)];
    await ledger.assign(epoch, one, 1, placement(1, 'shared'));
    expect(await refusalOf(ledger.assign(epoch, other, 1, placement(2, 'shared')))).toBe('device_held');
    expect((await ledger.job(other))?.state).toBe('pending');
  });

  it('is refused for an attempt that is not the next', async () => {
    const id = await jobIn('pending', ledger, epoch);
    expect(await refusalOf(ledger.assign(epoch, id, 2, placement()))).toBe('stale_attempt');
  });

  it('is refused of a job that is held, which the scheduler may not have heard yet', async () => {
    const id = await jobIn('pending', ledger, epoch);
    await ledger.hold(id);
    expect(await refusalOf(ledger.assign(epoch, id, 1, placement()))).toBe('not_in_line');
    await ledger.release(id);
    expect(await refusalOf(ledger.assign(epoch, id, 1, placement()))).toBe('ok');
  });
});

describe('claim', () => {
  it('lets one of two through, and the same one again', async () => {
    const id = await jobIn('starting', ledger, epoch);
    const task = { job: id, attempt: 1, rank: 0 };
    const outcomes = await Promise.all(['a', 'b'].map((token) => refusalOf(ledger.claim(task, token))));
    expect(outcomes).toEqual(['ok', 'already_claimed']);
    expect(await refusalOf(ledger.claim(task, 'a'))).toBe('ok');
  });
});

describe('the end of an attempt', () => {
  it('frees the devices only with the last rank', async () => {
    const id = await jobIn('running', ledger, epoch);
    const devices = (await ledger.job(id))?.attempts[0]?.devices.map(({ uuid }) => uuid) ?? [];
    await ledger.finish({ job: id, attempt: 1, rank: 0 }, ENDING, null);
    expect([...(await ledger.devices.book()).holders.keys()]).toEqual(expect.arrayContaining(devices));
    await ledger.finish({ job: id, attempt: 1, rank: 1 }, ENDING, null);
    const { holders } = await ledger.devices.book();
    expect([...holders.keys()].filter((uuid) => devices.includes(uuid))).toEqual([]);
    expect(await ledger.job(id)).toMatchObject({ state: 'succeeded', cause: null });
  });

  it('stops the other ranks when one fails, and names that one as the cause', async () => {
    const id = await jobIn('running', ledger, epoch);
    await ledger.finish({ job: id, attempt: 1, rank: 1 }, ENDING, { ...FAILURE, rank: 1 });
    expect((await ledger.job(id))?.state).toBe('stopping');
    await ledger.finish({ job: id, attempt: 1, rank: 0 }, ENDING, { ...FAILURE, rank: 0, signal: 'SIGTERM' });
    expect(await ledger.job(id)).toMatchObject({ state: 'failed', cause: { rank: 1 } });
  });

  it('ends the ranks that nobody has claimed when one fails', async () => {
    const id = await jobIn('starting', ledger, epoch);
    await ledger.claim({ job: id, attempt: 1, rank: 0 }, 'worker');
    await ledger.finish({ job: id, attempt: 1, rank: 0 }, ENDING, FAILURE);
    expect((await ledger.job(id))?.state).toBe('failed');
  });

  it('puts a job in line again whose task was never started, at its old place', async () => {
    const id = await jobIn('starting', ledger, epoch);
    await ledger.claim({ job: id, attempt: 1, rank: 0 }, 'worker');
    await ledger.finish({ job: id, attempt: 1, rank: 0 }, ENDING, { ...FAILURE, code: 'worker_lost' }, true);
    expect(await ledger.job(id)).toMatchObject({
      state: 'pending',
      attempts: [{ cause: { code: 'worker_lost' } }],
    });
    await ledger.assign(epoch, id, 2, placement());
    expect((await ledger.job(id))?.attempts).toHaveLength(2);
  });

  it('is cancelled when a user stopped it, whatever its tasks say then', async () => {
    const id = await jobIn('stopping', ledger, epoch);
    await ledger.finish({ job: id, attempt: 1, rank: 0 }, ENDING, FAILURE);
    await ledger.finish({ job: id, attempt: 1, rank: 1 }, ENDING, null);
    expect(await ledger.job(id)).toMatchObject({ state: 'cancelled', cause: { code: 'user' } });
  });

  it('ends at once a job that is stopped before any worker took it', async () => {
    const id = await jobIn('starting', ledger, epoch);
    expect(await ledger.stop(id, 'cancelled', BY_USER)).toBe('cancelled');
    expect(await refusalOf(ledger.claim({ job: id, attempt: 1, rank: 0 }, 'worker'))).toBe('wrong_state');
  });
});

it('writes each transition down as one event, in order', async () => {
  const redis = server.connect();
  const id = await jobIn('succeeded', ledger, epoch);
  const entries = await redis.xrange('{berth}:events', '-', '+');
  const types = entries.filter(([, fields]) => fields.includes(id)).map(([, fields]) => fields[1]);
  expect(types).toEqual([
    'job.submitted',
    'job.placed',
    'task.claimed',
    'task.started',
    'task.claimed',
    'task.started',
    'task.ended',
    'job.ended',
  ]);
});

it('lists jobs newest first, page by page, also by state', async () => {
  const ids: JobId[] = [];
  for (let i = 0; i < 5; i += 1) ids.unshift(await jobIn('cancelled', ledger, epoch));
  const filter = { states: ['cancelled' as const] };
  const first = await ledger.pages.page(filter, { limit: 3, before: null });
  const second = await ledger.pages.page(filter, { limit: 2, before: first.next });
  expect([...first.jobs, ...second.jobs].map(({ id }) => id)).toEqual(ids);
});

it('replaces what it knows of a node, and only of that', async () => {
  await ledger.devices.register('a', [registered('GPU-a0', 'a')]);
  await ledger.devices.register('b', [registered('GPU-b0', 'b')]);
  await ledger.devices.register('a', [registered('GPU-a1', 'a')]);
  expect((await ledger.devices.all()).map(({ uuid }) => uuid).sort()).toEqual(['GPU-a1', 'GPU-b0']);
});

it('names the rank that failed first, though its worker told of it last', async () => {
  const { id } = (await ledger.submit(newJob())).job;
  await ledger.assign(epoch, id, 1, placement(2));
  for (const rank of [0, 1]) {
    await ledger.claim({ job: id, attempt: 1, rank }, 'worker');
    await ledger.start({ job: id, attempt: 1, rank }, 4242, Date.now());
  }
  const failure = (rank: number) => ({ ...FAILURE, rank });
  await ledger.finish(
    { job: id, attempt: 1, rank: 0 },
    { ...ENDING, endedAt: ENDING.endedAt + 50 },
    failure(0),
  );
  await ledger.finish({ job: id, attempt: 1, rank: 1 }, ENDING, failure(1));
  expect((await ledger.job(id))?.cause?.rank).toBe(1);
});
