import { join } from 'node:path';
import type { Job } from '@berth/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
});
afterAll(() => daemon.destroy());

const startOf = (job: Job): number => Date.parse(job.startedAt as string);
const endOf = (job: Job): number => Date.parse(job.endedAt as string);

describe('a job with a mask', () => {
  it('sees exactly the device that it named', async () => {
    const job = await daemon.shell('echo "$CUDA_VISIBLE_DEVICES $CUDA_DEVICE_ORDER"', { devices: '1' });
    expect(await daemon.logs(job, 'follow=true')).toBe('1 PCI_BUS_ID\n');
    const [, second] = await daemon.devices();
    expect((await daemon.ended(job)).attempts[0]?.devices).toEqual([{ uuid: second?.uuid, index: 1 }]);
  });

  it('sees several in the order of its mask', async () => {
    const job = await daemon.shell('echo "$CUDA_VISIBLE_DEVICES"', { devices: 'cuda:1,0' });
    expect(await daemon.logs(job, 'follow=true')).toBe('1,0\n');
  });

  it('runs after another on the same device, and one on the other device beside them', async () => {
    const first = await daemon.shell('sleep 60', { devices: '1' });
    const second = await daemon.shell('true', { devices: '1' });
    const beside = await daemon.shell('true', { devices: '0' });
    await daemon.ended(beside);
    expect((await daemon.job(first)).state).toBe('running');
    expect((await daemon.job(second)).state).toBe('pending');
    await daemon.cancel(first);
    const [one, two] = await Promise.all([first, second].map((job) => daemon.ended(job)));
    expect(startOf(two as Job)).toBeGreaterThanOrEqual(endOf(one as Job));
  });

  it('says while it waits for what, and where it is in line', async () => {
    const first = await daemon.shell('sleep 60', { devices: '1' });
    await daemon.until(first, 'running');
    const second = await daemon.shell('true', { devices: '1' });
    const sentence = `needs 1 free device; 0 of the 1 that it may use are free: device 1 is held by job ${first.number}`;
    const waiting = await eventually(
      () => daemon.job(second),
      ({ reason }) => reason?.code === 'resources' && reason.sentence === sentence,
    );
    expect(waiting).toMatchObject({ state: 'pending', position: 1 });
    await daemon.cancel(first);
    expect((await daemon.ended(second)).state).toBe('succeeded');
  });
});

describe('a job on several devices', () => {
  it('waits until it can have all of them', async () => {
    const one = await daemon.shell('sleep 0.3', { devices: '0' });
    const gang = await daemon.shell('echo "$CUDA_VISIBLE_DEVICES"', { gpus: 2 });
    expect(await daemon.logs(gang, 'follow=true')).toBe('0,1\n');
    expect(startOf(await daemon.ended(gang))).toBeGreaterThanOrEqual(endOf(await daemon.ended(one)));
  });

  it('runs one process per device with what torch.distributed reads', async () => {
    const print =
      'echo "$RANK $LOCAL_RANK $WORLD_SIZE $LOCAL_WORLD_SIZE $MASTER_ADDR $CUDA_VISIBLE_DEVICES"; echo $MASTER_PORT >&2';
    const job = await daemon.shell(print, { gpus: 2, launch: 'perDevice' });
    await daemon.ended(job);
    expect(await daemon.logs(job, 'rank=0&stream=stdout')).toBe('0 0 2 2 127.0.0.1 0,1\n');
    expect(await daemon.logs(job, 'rank=1&stream=stdout')).toBe('1 1 2 2 127.0.0.1 0,1\n');
    const [port, same] = await Promise.all(
      [0, 1].map((rank) => daemon.logs(job, `rank=${rank}&stream=stderr`)),
    );
    expect(port).toMatch(/^\d+\n$/);
    expect(same).toBe(port);
  });

  it('ends the other ranks when one fails, and names the one that did', async () => {
    const other = join(daemon.dataDirectory, 'other');
    const job = await daemon.shell(
      `if [ "$RANK" = 0 ]; then touch ${other}; exec sleep 60; fi; until [ -e ${other} ]; do sleep 0.02; done; exit 3`,
      { gpus: 2, launch: 'perDevice' },
    );
    const ended = await daemon.ended(job);
    expect(ended).toMatchObject({ state: 'failed', cause: { code: 'exit_code', rank: 1, exitCode: 3 } });
    expect(ended.attempts[0]?.tasks[0]).toMatchObject({ state: 'ended', signal: 'SIGTERM' });
  });
});

describe('devices', () => {
  it('show what is simulated, who holds them and a fresh sample', async () => {
    const job = await daemon.shell('sleep 60', { devices: '0', name: 'train', timeLimit: 3600 });
    await daemon.until(job, 'running');
    const [first, second] = await daemon.devices();
    expect(first).toMatchObject({
      index: 0,
      simulated: true,
      name: 'NVIDIA H100 80GB HBM3',
      computeCapability: '9.0',
    });
    expect(first?.holders).toMatchObject([{ job: job.id, number: job.number, name: 'train', attempt: 1 }]);
    const hour = Date.parse(first?.holders[0]?.latestEnd ?? '') - Date.now();
    expect(hour).toBeGreaterThan(3_500_000);
    expect(hour).toBeLessThan(3_700_000);
    expect(first?.sample?.ageSeconds).toBeLessThan(5);
    expect(second?.holders).toEqual([]);
    await daemon.cancel(job);
    await daemon.ended(job);
    await eventually(
      () => daemon.devices(),
      ([device]) => device?.holders.length === 0,
    );
  });
});

describe('while a job waits for several devices', () => {
  it('a short one may use the free device before it, and one that would delay it may not', async () => {
    const running = await daemon.shell('sleep 60', { devices: '0', timeLimit: 60 });
    await daemon.until(running, 'running');
    const gang = await daemon.shell('true', { gpus: 2 });
    const long = await daemon.shell('true', { timeLimit: 7200 });
    const unlimited = await daemon.shell('true');
    const short = await daemon.shell('true', { timeLimit: 5, gracePeriod: 1 });
    expect((await daemon.ended(short)).state).toBe('succeeded');
    for (const job of [long, unlimited]) {
      // While the short one ran, no device was free at all.
      const waiting = await eventually(
        () => daemon.job(job),
        ({ reason }) => reason?.code === 'priority',
      );
      expect(waiting.reason?.sentence).toContain(`job ${gang.number} is ahead of it`);
    }
    expect((await daemon.job(gang)).reason?.sentence).toMatch(/starts by \S+Z at the latest$/);
    await daemon.cancel(running);
    const ended = await Promise.all([gang, long, unlimited].map((job) => daemon.ended(job)));
    expect(ended.map(({ state }) => state)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect(startOf(ended[1] as Job)).toBeGreaterThanOrEqual(startOf(ended[0] as Job));
  });
});

describe('constraints', () => {
  it('are met, or refused with what there is', async () => {
    const constraints = { model: 'h100', minMemory: '79GiB', minComputeCapability: '9.0' };
    const job = await daemon.shell('true', { constraints });
    expect(job.constraints).toMatchObject({ model: 'h100', minMemoryBytes: 79 * 2 ** 30, node: null });
    expect((await daemon.ended(job)).state).toBe('succeeded');
    const refused = await daemon.post('/v1/jobs', {
      script: 'true',
      workingDirectory: '/',
      constraints: { model: 'A100', minMemory: '1TiB' },
    });
    expect(refused.status).toBe(422);
    expect(((await refused.json()) as { detail: string }).detail).toMatch(
      /#\/constraints: 0 of 2 devices are called 'A100' and of at least 1024 GiB.*this host has 2: 0 \(NVIDIA H100/,
    );
  });
});
