import type { JobId } from '@berth/contract';
import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceBookView } from '../../apps/daemon/dist/ledger/device-book-view.js';
import type { EventFeed, LedgerEvent } from '../../apps/daemon/dist/ledger/event-feed.js';
import { jobIn, NODE, newJob, openLedger, placement, registered } from '../support/ledger-story.js';

const { server, ledger, epoch } = await openLedger();
let device: string;
beforeEach(async () => {
  device = crypto.randomUUID();
  await register();
});

const uuid = (): string => `GPU-${device}-0`;
const register = (): Promise<void> => ledger.devices.register(NODE, [registered(uuid())]);
const lost = { code: 'lost', sentence: 'it fell off the bus', by: 'berth' } as const;
const foreign = { code: 'foreign_use', sentence: 'process 7 is there', since: 1 } as const;

async function pendingJob(): Promise<JobId> {
  return (await ledger.submit(newJob())).job.id;
}

describe('a drain', () => {
  it('keeps its first reason, and says whether it is the first', async () => {
    expect(await ledger.devices.drain(uuid(), lost)).toBe(true);
    expect(await ledger.devices.drain(uuid(), { code: 'drained', sentence: 'by ada', by: 'ada' })).toBe(
      false,
    );
    const { drains } = await ledger.devices.book();
    expect(drains.get(uuid())).toMatchObject({ ...lost, since: expect.any(Number) as number });
  });

  it('outlives the registration of a daemon that starts again', async () => {
    await ledger.devices.drain(uuid(), lost);
    await register();
    expect((await ledger.devices.book()).drains.has(uuid())).toBe(true);
  });

  it('lets nothing be placed there until the device is resumed', async () => {
    const job = await pendingJob();
    await ledger.devices.drain(uuid(), lost);
    await expect(ledger.assign(epoch, job, 1, placement(1, device))).rejects.toMatchObject({
      code: 'device_kept',
    });
    expect((await ledger.job(job))?.state).toBe('pending');
    await ledger.devices.resume(uuid());
    await ledger.devices.resume(uuid());
    await ledger.assign(epoch, job, 1, placement(1, device));
    expect((await ledger.job(job))?.state).toBe('starting');
  });

  it('is refused of a device that nobody registered', async () => {
    await expect(ledger.devices.drain('GPU-none', lost)).rejects.toMatchObject({ code: 'not_found' });
    await expect(ledger.devices.resume('GPU-none')).rejects.toMatchObject({ code: 'not_found' });
    await expect(ledger.devices.obstruct('GPU-none', [foreign])).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('an obstacle', () => {
  it('lets nothing be placed there for as long as it lasts', async () => {
    const job = await pendingJob();
    await ledger.devices.obstruct(uuid(), [foreign]);
    expect((await ledger.devices.book()).obstacles.get(uuid())).toEqual([foreign]);
    await expect(ledger.assign(epoch, job, 1, placement(1, device))).rejects.toMatchObject({
      code: 'device_kept',
    });
    await ledger.devices.obstruct(uuid(), []);
    await ledger.assign(epoch, job, 1, placement(1, device));
  });

  it('is looked at anew by a daemon that starts again', async () => {
    await ledger.devices.obstruct(uuid(), [foreign]);
    await register();
    expect((await ledger.devices.book()).obstacles.has(uuid())).toBe(false);
  });

  it('is one event when it comes and one when it goes', async () => {
    const redis = server.connect();
    const before = await redis.xlen('{berth}:events');
    for (let i = 0; i < 3; i += 1) await ledger.devices.obstruct(uuid(), [foreign]);
    for (let i = 0; i < 3; i += 1) await ledger.devices.obstruct(uuid(), []);
    expect((await redis.xlen('{berth}:events')) - before).toBe(2);
  });
});

it('keeps the last twenty XIDs of a device, newest first', async () => {
  for (let xid = 1; xid <= 25; xid += 1) {
    const at = new Date().toISOString();
    await ledger.devices.reportXid(uuid(), { at, xid, meaning: 'something', verdict: 'note' });
  }
  const reports = (await ledger.devices.book()).xids.get(uuid());
  expect(reports?.map(({ xid }) => xid)).toEqual(Array.from({ length: 20 }, (_, i) => 25 - i));
});

it('keeps the last twenty restarts of a worker, newest first, and each once however often it is told', async () => {
  for (let i = 1; i <= 25; i += 1) {
    const at = new Date(i).toISOString();
    const restart = { at, exitCode: i, signal: null, sentence: 'it ended' };
    for (let told = 0; told < 2; told += 1) await ledger.devices.noteWorkerRestart(uuid(), restart);
  }
  const restarts = (await ledger.devices.book()).restarts.get(uuid());
  expect(restarts?.map(({ exitCode }) => exitCode)).toEqual(Array.from({ length: 20 }, (_, i) => 25 - i));
});

describe('a notice', () => {
  const notice = { code: 'trespass', device: 'GPU-x', sentence: 'its process 7 is there' } as const;

  it('is said once for each device, and shown on the job', async () => {
    const job = await jobIn('running', ledger, epoch);
    expect(await ledger.notice(job, 1, notice)).toBe(true);
    expect(await ledger.notice(job, 1, { ...notice, sentence: 'its process 8 is there' })).toBe(false);
    expect(await ledger.notice(job, 1, { ...notice, device: 'GPU-y' })).toBe(true);
    expect((await ledger.job(job))?.notices).toMatchObject([
      { ...notice, attempt: 1, at: expect.stringMatching(/Z$/) as string },
      { device: 'GPU-y' },
    ]);
  });

  it('is said of each XID, but not without end', async () => {
    const job = await jobIn('running', ledger, epoch);
    for (let i = 0; i < 60; i += 1) {
      await ledger.notice(job, 1, { code: 'xid', device: 'GPU-x', sentence: `XID ${i}` });
    }
    expect((await ledger.job(job))?.notices).toHaveLength(50);
  });

  it('is refused of an attempt that is over', async () => {
    const job = await jobIn('running', ledger, epoch);
    await expect(ledger.notice(job, 2, notice)).rejects.toMatchObject({ code: 'stale_attempt' });
  });
});

describe('the book at hand', () => {
  /** A feed that tells what a test tells it. */
  function feed() {
    let listener: (events: readonly LedgerEvent[]) => void = () => undefined;
    return {
      feed: { listen: (each: typeof listener) => (listener = each) } as unknown as EventFeed,
      tell: (type: LedgerEvent['type']) => listener([{ id: '1-0', type, at: '', more: null }]),
    };
  }

  it('is read anew after an event that concerns devices, and only then', async () => {
    const { feed: events, tell } = feed();
    const book = new DeviceBookView(ledger, events);
    const before = await book.read();
    await ledger.devices.drain(uuid(), lost);
    tell('task.started');
    expect((await book.read()).page).toBe(before.page);
    tell('device.drained');
    const after = await book.read();
    expect(after.version).toBeGreaterThan(before.version);
    expect(after.page.drains.has(uuid())).toBe(true);
  });

  it('does not keep what was read while the event came', async () => {
    const { feed: events, tell } = feed();
    const book = new DeviceBookView(ledger, events);
    const reading = book.read();
    await ledger.devices.drain(uuid(), lost);
    tell('device.drained');
    await reading;
    expect((await book.read()).page.drains.has(uuid())).toBe(true);
  });

  it('names who holds a device', async () => {
    const job = await pendingJob();
    await ledger.assign(epoch, job, 1, placement(1, device));
    const { page } = await new DeviceBookView(ledger, feed().feed).read();
    expect(page.holders.get(uuid())).toMatchObject([{ job, name: 'train', user: 'ada', attempt: 1 }]);
  });
});
