import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, isAlive, TestDaemon } from '../support/daemon.js';

let daemon: TestDaemon;
const scratch = mkdtempSync(join(tmpdir(), 'berth-scratch-'));
beforeAll(async () => {
  daemon = await TestDaemon.start('1xH100-80GB');
});
afterAll(async () => {
  await daemon.destroy();
  rmSync(scratch, { recursive: true });
});

/** The pids that a job has written, once all of them are there. */
async function pidsIn(file: string, count: number): Promise<number[]> {
  const read = (): number[] => {
    try {
      return readFileSync(join(scratch, file), 'utf8').trim().split('\n').map(Number);
    } catch {
      return [];
    }
  };
  // A file may be there before its first line is.
  return eventually(read, (pids) => pids.length === count && pids.every((pid) => pid > 0));
}

describe('cancelling a job', () => {
  it('ends one that waits at once', async () => {
    const first = await daemon.shell('sleep 60');
    const second = await daemon.shell('true');
    expect((await (await daemon.cancel(second)).json()) as unknown).toMatchObject({
      state: 'cancelled',
      cause: { code: 'user' },
      attempts: [],
    });
    await daemon.cancel(first);
    expect((await daemon.ended(first)).state).toBe('cancelled');
  });

  it('lets a running one save its work', async () => {
    const job = await daemon.shell(
      `trap 'echo saved; exit 0' TERM; echo ready; while :; do sleep 0.05; done`,
    );
    await eventually(
      () => daemon.logs(job),
      (log) => log === 'ready\n',
    );
    await daemon.cancel(job);
    expect(await daemon.logs(job, 'follow=true')).toMatch(/^ready\n(.*\n)?saved\n$/);
    expect(await daemon.ended(job)).toMatchObject({ state: 'cancelled', cause: { code: 'user' } });
  });

  it('ends one whose shim somebody has stopped (SIGSTOP)', async () => {
    const job = await daemon.shell('sleep 60');
    await daemon.until(job, 'running');
    const record = readFileSync(join(daemon.dataDirectory, 'jobs', `${job.id}.1.0`, 'start.json'), 'utf8');
    const { shimPid } = JSON.parse(record) as { shimPid: number };
    process.kill(shimPid, 'SIGSTOP');
    await daemon.cancel(job);
    expect((await daemon.ended(job)).state).toBe('cancelled');
  });

  it('ends every process, also those that ignore SIGTERM or have made themselves daemons, before the device is given out', async () => {
    const stubborn = `trap '' TERM; echo $$ >> ${scratch}/pids; while :; do sleep 0.05; done`;
    const job = await daemon.shell(
      `trap '' TERM
       ( setsid sh -c "${stubborn.replace(/\$\$/g, '\\$\\$')}" < /dev/null > /dev/null 2>&1 & ) &
       ${stubborn}`,
      { gracePeriod: 0.3 },
    );
    const pids = await pidsIn('pids', 2);
    const next = await daemon.shell(
      `for pid in ${pids.join(' ')}; do kill -0 $pid 2> /dev/null && echo "$pid lives"; done; true`,
    );
    await daemon.cancel(job);
    expect((await daemon.ended(job)).state).toBe('cancelled');
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await daemon.logs(next, 'follow=true')).toBe('');
    expect((await daemon.ended(next)).state).toBe('succeeded');
  });

  it('may be asked for twice, but not of a job that has ended by itself', async () => {
    const job = await daemon.shell('sleep 60');
    await daemon.until(job, 'running');
    expect((await daemon.cancel(job)).status).toBe(202);
    expect((await daemon.cancel(job)).status).toBe(202);
    await daemon.ended(job);
    expect((await daemon.cancel(job)).status).toBe(202);
    const other = await daemon.shell('true');
    await daemon.ended(other);
    const refused = await daemon.cancel(other);
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ type: 'urn:berth:problem:conflict' });
  });
});

it('a job that reaches its time limit is stopped and says so', async () => {
  const job = await daemon.shell('sleep 60', { timeLimit: '0.2s' });
  expect(await daemon.ended(job)).toMatchObject({ state: 'failed', cause: { code: 'time_limit' } });
});

it('what a job leaves behind when it ends is ended too', async () => {
  const job = await daemon.shell(
    `setsid sh -c 'echo $$ >> ${scratch}/left; exec sleep 300' & until [ -s ${scratch}/left ]; do sleep 0.01; done`,
  );
  const [left] = await pidsIn('left', 1);
  expect((await daemon.ended(job)).state).toBe('succeeded');
  expect(isAlive(left as number)).toBe(false);
});
