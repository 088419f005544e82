import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Device, Drill, Job } from '@berth/contract';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Ledger } from '../../apps/daemon/dist/ledger/ledger.js';
import { eventually, isAlive, TestDaemon } from '../support/daemon.js';

const LOOP = 'while :; do sleep 0.02; done';

let daemon: TestDaemon;
const scratch = mkdtempSync(join(tmpdir(), 'berth-scratch-'));
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
});
afterAll(async () => {
  await daemon.destroy();
  rmSync(scratch, { recursive: true });
});

/** Submits a line of shell that says when it is ready for signals, and waits until the ledger knows that it runs, too. */
async function ready(script: string, more: Parameters<TestDaemon['shell']>[1] = {}): Promise<Job> {
  const job = await daemon.shell(script, { checkpointSignal: 'SIGUSR1', ...more });
  await said(job, 'ready');
  return daemon.until(job, 'running');
}

/** The log, once a line of it is this one. */
const said = (job: Job, word: string): Promise<string> =>
  eventually(
    () => daemon.logs(job).catch(() => ''),
    (log) => log.split('\n').includes(word),
  );

const requeue = (job: Job): Promise<Response> =>
  daemon.request(`/v1/jobs/${job.id}/requeue`, { method: 'POST' });

async function drill(job: Job): Promise<Drill> {
  const response = await daemon.request(`/v1/jobs/${job.id}/drill`, { method: 'POST' });
  expect(response.status).toBe(200);
  return (await response.json()) as Drill;
}

/** The job once its first attempt has ended; it is cancelled then. */
async function afterFirstAttempt(job: Job): Promise<Job> {
  const found = await eventually(
    () => daemon.job(job),
    ({ attempts }) => attempts[0]?.endedAt != null,
  );
  await daemon.cancel(job);
  await daemon.ended(job);
  return found;
}

describe('a job that is requeued while it runs', () => {
  it('saves its work, and the next attempt is told why and where', async () => {
    const job = await ready(
      `if [ "$BERTH_ATTEMPT" = 2 ]; then echo "again because of $BERTH_RESTART_REASON, from $(cat $BERTH_CHECKPOINT_FILE)"; echo done; sleep 60; fi
       echo "reason: \${BERTH_RESTART_REASON-none}"
       trap 'echo step 7 > $BERTH_CHECKPOINT_FILE; exit 0' USR1; echo ready; ${LOOP}`,
    );
    expect(await daemon.logs(job)).toContain('reason: none\n');
    await requeue(job);
    expect(await said(job, 'done')).toContain('again because of user, from step 7\n');
    const { attempts } = await daemon.job(job);
    expect(attempts[0]).toMatchObject({
      cause: {
        code: 'user',
        sentence: expect.stringMatching(
          /by a user; its checkpoint was written \d.*s after SIGUSR1$/,
        ) as string,
      },
      checkpoint: {
        signal: 'SIGUSR1',
        path: expect.stringMatching(/\.checkpoint$/) as string,
        endedBy: 'itself',
      },
      stoppingAt: expect.any(String) as string,
    });
    await daemon.cancel(job);
    await daemon.ended(job);
  });

  it('and ignores its signal gets SIGTERM; it is said that nothing was written', async () => {
    const job = await ready(`touch ${scratch}/nothing; trap '' USR1; echo ready; ${LOOP}`, {
      gracePeriod: 1,
      checkpointPath: join(scratch, 'nothing'),
    });
    await requeue(job);
    const [attempt] = (await afterFirstAttempt(job)).attempts;
    expect(attempt?.checkpoint).toMatchObject({ writtenAt: null, path: null, endedBy: 'SIGTERM' });
    expect(attempt?.cause?.sentence).toMatch(
      /no checkpoint was written after SIGUSR1, and it ended only after SIGTERM$/,
    );
  });

  it('has a checkpoint seen in a folder, and the signal reach every process', async () => {
    const folder = join(scratch, 'run');
    const child = `trap "echo child >> ${folder}/deep/part; exit" USR1; echo ready; ${LOOP}`;
    const job = await ready(
      `mkdir -p ${folder}/deep; touch ${folder}/old
       trap 'echo parent >> ${folder}/parent; wait; exit 3' USR1; setsid sh -c '${child}' & while :; do wait; done`,
      { checkpointPath: 'run', workingDirectory: scratch },
    );
    await requeue(job);
    const [attempt] = (await afterFirstAttempt(job)).attempts;
    expect(attempt?.checkpoint).toMatchObject({
      endedBy: 'itself',
      path: expect.stringContaining(folder) as string,
    });
    expect(readFileSync(join(folder, 'deep/part'), 'utf8')).toBe('child\n');
    expect(readFileSync(join(folder, 'parent'), 'utf8')).toBe('parent\n');
  });

  it('does so also when its worker dies meanwhile', async () => {
    const job = await ready(
      `trap 'sleep 1; echo saved > $BERTH_CHECKPOINT_FILE; exit 0' USR1; echo ready; ${LOOP}`,
      { devices: '1' },
    );
    const [, device] = (await daemon.devices()) as [Device, Device];
    const worker = daemon.workerOf(device);
    await requeue(job);
    await eventually(
      () => daemon.job(job),
      ({ attempts }) => attempts[0]?.checkpoint != null,
    );
    process.kill(worker, 'SIGKILL');
    await eventually(
      () => isAlive(worker),
      (alive) => !alive,
    );
    const [attempt] = (await afterFirstAttempt(job)).attempts;
    expect(attempt).toMatchObject({ cause: { code: 'user' }, checkpoint: { endedBy: 'itself' } });
    expect(attempt?.checkpoint?.writtenAt).not.toBeNull();
  });
});

it('a job that is preempted saves its work, waits, and goes on, knowing why', async () => {
  const redis = new Redis(join(daemon.dataDirectory, 'redis/redis.sock'), { replyMapping: 'legacy' });
  const ledger = new Ledger(redis);
  const epoch = (await redis.hget('{berth}:leader', 'epoch')) as string;
  const job = await ready(
    `if [ "$BERTH_ATTEMPT" = 2 ]; then echo "again because of $BERTH_RESTART_REASON"; echo done; sleep 60; fi
     trap 'sleep 0.2; echo step 7 > $BERTH_CHECKPOINT_FILE; exit 0' USR1; echo ready; ${LOOP}`,
    { preemptible: true },
  );
  const cause = { code: 'preempted', sentence: 'it was preempted for job 12' } as const;
  await ledger.preempt(epoch, job.id, 1, { ...cause, rank: null, exitCode: null, signal: null });
  redis.disconnect();
  expect(await said(job, 'done')).toContain('again because of preempted\n');
  expect((await daemon.job(job)).attempts[0]).toMatchObject({
    cause: {
      code: 'preempted',
      sentence: expect.stringMatching(
        /^it was preempted for job 12; its checkpoint was written \d.*s after SIGUSR1$/,
      ) as string,
    },
    checkpoint: { endedBy: 'itself' },
  });
  await daemon.cancel(job);
  await daemon.ended(job);
});

describe('a drill', () => {
  it('says what was written, and how soon, of a job that goes on', async () => {
    const file = join(scratch, 'last.pt');
    const job = await ready(`trap 'echo x > ${file}' USR1; echo ready; ${LOOP}`, { checkpointPath: file });
    const began = performance.now();
    const found = await drill(job);
    const seconds = (performance.now() - began) / 1000;
    expect(found).toMatchObject({
      finished: true,
      signal: 'SIGUSR1',
      sentence: expect.stringMatching(
        /^a checkpoint was written .* within the grace period of 30s$/,
      ) as string,
      ranks: [{ rank: 0, ended: null, checkpoint: { path: file } }],
    });
    expect(found.ranks[0]?.handlers).toBeGreaterThan(0);
    expect(found.ranks[0]?.checkpoint?.afterSeconds).toBeLessThan(seconds);
    expect((await daemon.job(job)).state).toBe('running');
    await daemon.cancel(job);
  });

  it('of a job without a handler ends it, says so, and has it run again', async () => {
    const job = await ready(
      `if [ "$BERTH_ATTEMPT" = 2 ]; then echo "again because of $BERTH_RESTART_REASON"; echo done; sleep 60; fi; echo ready; ${LOOP}`,
    );
    const found = await drill(job);
    expect(found.ranks[0]).toMatchObject({ handlers: 0, ended: { signal: 'SIGUSR1' }, checkpoint: null });
    expect(found.sentence).toBe(
      'rank 0 was ended by SIGUSR1: it has no handler; a preemption would lose all since the last checkpoint',
    );
    expect(await said(job, 'done')).toContain('again because of drill\n');
    expect((await daemon.job(job)).attempts[0]?.cause).toMatchObject({ code: 'drill', signal: 'SIGUSR1' });
    await daemon.cancel(job);
  });

  it('of one that ignores the signal says that it took no notice; two at once are one', async () => {
    const job = await ready(`trap '' USR1; echo ready; ${LOOP}`, { gracePeriod: 1 });
    const [found, joined] = await Promise.all([drill(job), drill(job)]);
    expect(found.sentence).toMatch(/^rank 0 took no notice: none of its \d processes has a handler/);
    expect(joined).toEqual(found);
    await daemon.cancel(job);
  });

  it('reaches every rank, and one that saves and exits is run again with all others', async () => {
    const job = await ready(
      `trap 'if [ $RANK = 0 ]; then echo x > $BERTH_CHECKPOINT_FILE; fi; sleep 0.2; exit 0' USR1; touch ${scratch}/rank.$RANK; until [ -e ${scratch}/rank.0 -a -e ${scratch}/rank.1 ]; do sleep 0.01; done; echo ready; ${LOOP}`,
      { gpus: 2, launch: 'perDevice' },
    );
    await eventually(
      () => daemon.logs(job, 'rank=1'),
      (log) => log.includes('ready'),
    );
    const found = await drill(job);
    expect(found.ranks.map(({ ended }) => ended?.exitCode)).toEqual([0, 0]);
    expect(found.ranks[0]?.checkpoint).not.toBeNull();
    expect((await afterFirstAttempt(job)).attempts[0]).toMatchObject({
      cause: { code: 'drill' },
      checkpoint: { endedBy: 'itself' },
    });
  });

  it('is refused for a job that does not run, or knows no signal', async () => {
    const job = await daemon.shell('sleep 60');
    await daemon.until(job, 'running');
    const refusal = async (): Promise<string> => {
      const response = await daemon.request(`/v1/jobs/${job.id}/drill`, { method: 'POST' });
      expect(response.status).toBe(409);
      return ((await response.json()) as { detail: string }).detail;
    };
    expect(await refusal()).toMatch(/knows no signal to save its work by/);
    await daemon.cancel(job);
    await daemon.ended(job);
    expect(await refusal()).toMatch(/was cancelled already; only a running job can be drilled/);
  });
});

describe('the warning of a time limit', () => {
  it('comes once, before its end, also past the death of its worker, and is told of', async () => {
    const job = await ready(`trap 'echo warned' USR2; echo ready; ${LOOP}`, {
      devices: '0',
      timeLimit: 4,
      gracePeriod: 1,
      timeLimitWarning: { before: '3s', signal: 'SIGUSR2' },
    });
    await said(job, 'warned');
    const { notices, state } = await eventually(
      () => daemon.job(job),
      ({ notices }) => notices.length > 0,
    );
    expect(state).toBe('running');
    expect(notices).toMatchObject([
      {
        code: 'time_limit',
        device: null,
        sentence: 'SIGUSR2 was sent to all its processes 3s before its time limit of 4s',
      },
    ]);
    const [device] = (await daemon.devices()) as [Device, Device];
    process.kill(daemon.workerOf(device), 'SIGKILL');
    const ended = await daemon.ended(job);
    expect(ended).toMatchObject({ state: 'failed', cause: { code: 'time_limit' } });
    expect(ended.notices).toHaveLength(1);
    expect((await daemon.logs(job)).match(/warned/g)).toHaveLength(1);
  });

  it('says what it was, to a job that it ended', async () => {
    const job = await daemon.shell(LOOP, {
      checkpointSignal: 'SIGUSR1',
      timeLimit: 30,
      timeLimitWarning: { before: '29.5s' },
    });
    expect((await daemon.ended(job)).cause?.sentence).toBe(
      'rank 0 was ended by SIGUSR1, the warning of its time limit, for which it has no handler',
    );
  });
});
