import type { Explanation, Job, JobSubmissionInput } from '@berth/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

/** Counts to a number that outlives it: what it had is what it saved when it was told to. */
const COUNTS = `
n=$(cat $BERTH_CHECKPOINT_FILE 2>/dev/null || echo 0); echo "from $n because of \${BERTH_RESTART_REASON-nothing}"
trap 'echo $n > $BERTH_CHECKPOINT_FILE.new && mv $BERTH_CHECKPOINT_FILE.new $BERTH_CHECKPOINT_FILE; exit 0' USR1
while [ $n -lt LAST ]; do n=$((n + 1)); echo "at $n"; sleep 0.02; done`;

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('4xH100-80GB');
});
afterAll(() => daemon.destroy());

const background = (last: number, more: Omit<JobSubmissionInput, 'script'> = {}): Promise<Job> =>
  daemon.shell(COUNTS.replace('LAST', String(last)), {
    preemptible: true,
    priority: -10,
    gracePeriod: 10,
    ...more,
  });
const explain = async ({ id }: Job): Promise<Explanation> =>
  (await (await daemon.request(`/v1/jobs/${id}/explain`)).json()) as Explanation;
const reaches = (job: Job, line: string): Promise<string> =>
  eventually(
    () => daemon.logs(job).catch(() => ''),
    (log) => log.includes(line),
  );

describe('a background job', () => {
  it('gives way to a job of higher priority, and goes on from what it saved, as soon as there is room', async () => {
    const low = await background(120, { gpus: 4 });
    await reaches(low, 'at 30');
    const high = await daemon.shell('sleep 0.3', { gpus: 2 });
    expect((await daemon.ended(high)).state).toBe('succeeded');
    const done = await daemon.ended(low);
    expect(done.state).toBe('succeeded');
    const [first, second] = done.attempts;
    expect(done.attempts).toHaveLength(2);
    expect(first?.cause).toMatchObject({ code: 'preempted' });
    expect(first?.cause?.sentence).toContain(`it gave way to job ${high.number}, of priority 0`);
    expect(first?.checkpoint).toMatchObject({ signal: 'SIGUSR1', endedBy: 'itself' });
    expect(first?.checkpoint?.writtenAt).not.toBeNull();
    // It cost none of its retries, and none of its work.
    expect(done.retries).toBe(0);
    const from = /^from (\d+) because of preempted$/m.exec(await daemon.logs(low, 'attempt=2'))?.[1];
    expect(Number(from)).toBeGreaterThanOrEqual(30);
    expect(Date.parse(second?.placedAt as string)).toBeGreaterThanOrEqual(
      Date.parse((await daemon.job(high)).attempts[0]?.endedAt as string),
    );
  });

  it('is the one that loses the least, is told by name to the one that waits, and comes back before its equals', async () => {
    const old = await background(100_000, { devices: '0' });
    await reaches(old, 'at 20');
    const young = await background(100_000, { devices: '1', gracePeriod: 30 });
    const firm = await daemon.shell('sleep 60', { devices: '2,3', priority: -10 });
    const equal = await background(5, { devices: '1' });
    await reaches(young, 'at 5');
    // It takes its time to save.
    const slow = await daemon.shell('sleep 0.2', { gpus: 1, devices: '0,1' });
    const ended = await daemon.ended(slow);
    expect(ended.attempts[0]?.devices.map(({ index }) => index)).toEqual([1]);
    expect((await daemon.job(old)).attempts).toHaveLength(1);
    expect((await daemon.job(firm)).state).toBe('running');
    const back = await eventually(
      () => daemon.job(young),
      ({ attempts }) => attempts.length === 2,
    );
    expect(back.attempts[0]?.cause?.code).toBe('preempted');
    expect((await daemon.job(equal)).attempts).toHaveLength(0);
    for (const job of [old, young, firm, equal]) await daemon.cancel(job);
    for (const job of [old, young, firm, equal]) await daemon.ended(job);
  });

  it('that does not listen is killed when its grace period is over, and the explanation says until when that is', async () => {
    const deaf = await daemon.shell("trap '' TERM USR1; echo deaf; while :; do sleep 0.1; done", {
      gpus: 4,
      preemptible: true,
      priority: -1,
      gracePeriod: 3,
    });
    await reaches(deaf, 'deaf');
    const high = await daemon.shell('true', { gpus: 1 });
    const waiting = await eventually(
      () => explain(high),
      ({ devices }) => devices.some(({ why }) => why.includes('is being stopped')),
    );
    expect(waiting.latestStart).not.toBeNull();
    expect((await daemon.ended(high)).state).toBe('succeeded');
    const [attempt] = (await daemon.job(deaf)).attempts;
    expect(attempt?.checkpoint).toMatchObject({ writtenAt: null, endedBy: 'SIGKILL' });
    await daemon.cancel(deaf);
    await daemon.ended(deaf);
  });

  it('goes on giving way after the daemon was killed in the middle of it', async () => {
    const low = await daemon.shell(
      `trap 'sleep 1; echo saved > $BERTH_CHECKPOINT_FILE; exit 0' USR1; echo ready
       [ "$BERTH_ATTEMPT" = 2 ] && exit 0; while :; do sleep 0.05; done`,
      { gpus: 4, preemptible: true, priority: -1, gracePeriod: 20 },
    );
    await reaches(low, 'ready');
    const high = await daemon.shell('true', { gpus: 4 });
    await daemon.until(low, 'stopping');
    await daemon.kill();
    await daemon.start();
    expect((await daemon.ended(high)).state).toBe('succeeded');
    const done = await daemon.ended(low);
    expect(done.state).toBe('succeeded');
    expect(done.attempts.map(({ cause }) => cause?.code ?? null)).toEqual(['preempted', null]);
    expect(done.attempts[0]?.checkpoint?.endedBy).toBe('itself');
  });

  it('is left alone by jobs of its own priority, and where it never allowed it', async () => {
    const running = await background(100_000, { gpus: 2, devices: '0,1' });
    const firm = await daemon.shell('sleep 60', { gpus: 2, devices: '2,3', priority: -10 });
    await daemon.until(running, 'running');
    await daemon.until(firm, 'running');
    const equal = await daemon.shell('true', { gpus: 1, priority: -10 });
    const higher = await daemon.shell('true', { devices: '2' });
    for (const job of [equal, higher])
      await eventually(
        () => daemon.job(job),
        ({ reason }) => reason !== null,
      );
    expect((await daemon.job(running)).state).toBe('running');
    expect((await daemon.job(firm)).state).toBe('running');
    for (const job of [running, firm]) await daemon.cancel(job);
    for (const job of [equal, higher]) expect((await daemon.ended(job)).state).toBe('succeeded');
  });
});
