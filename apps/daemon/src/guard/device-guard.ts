import type { Cause, DeviceProcess, Notice } from '@berth/contract';
import { formatBytes } from '@berth/contract';
import { type DeviceEvent, type DeviceFacts, meaningOfXid } from '@berth/cuda-core';
import type { Logger } from 'pino';
import type { DeviceInventory } from '../devices/inventory.js';
import type { BookedHolder, DeviceBookPage, DeviceBookView } from '../ledger/device-book-view.js';
import type { PassingObstacle } from '../ledger/devices.js';
import type { Ledger } from '../ledger/ledger.js';
import { LedgerRefusal } from '../ledger/refusal.js';
import type { DeviceWatch } from './device-watch.js';
import {
  type Ailment,
  ailmentOf,
  ailmentOfEvent,
  type Finding,
  noticeOfXid,
  passingObstacles,
} from './judgement.js';

/** A job's processes may be seen for a moment longer than the job: who is foreign has to be so in this many samples. */
const SAMPLES_TO_BE_FOREIGN = 2;
/** A sentence whose figures change is written anew only now and then. */
const SENTENCE_LASTS_MS = 10_000;

export interface GuardPolicy {
  /** How much memory processes of no job may have on a device that jobs are placed on; null: as much as they like. */
  foreignLimitBytes: number | null;
  /** What becomes of a job with a process on a device that isn't its own. */
  trespass: 'warn' | 'kill';
  /** What becomes of a job that has more of a shared device than it declared. */
  memoryExceeded: 'warn' | 'kill';
}

/**
 * Acts on what is seen of the devices: keeps jobs away from those that aren't fit for them, ends jobs whose device is
 * gone, and tells owners what happened to theirs. It judges by `judgement` and acts through the ledger alone.
 */
export class DeviceGuard {
  private readonly inventory: DeviceInventory;
  private readonly watch: DeviceWatch;
  private readonly book: DeviceBookView;
  private readonly ledger: Ledger;
  private readonly policy: GuardPolicy;
  private readonly log: Logger;
  /** What was written of each device, to write changes alone. */
  private readonly written = new Map<string, { at: number; obstacles: PassingObstacle[] }>();
  private readonly foreign = new Map<string, { takenAt: number; samples: number }>();

  constructor(options: {
    inventory: DeviceInventory;
    watch: DeviceWatch;
    book: DeviceBookView;
    ledger: Ledger;
    policy: GuardPolicy;
    log: Logger;
  }) {
    this.inventory = options.inventory;
    this.watch = options.watch;
    this.book = options.book;
    this.ledger = options.ledger;
    this.policy = options.policy;
    this.log = options.log;
  }

  start(): void {
    this.inventory.onEvent((event) => {
      this.onEvent(event).catch((error: unknown) =>
        this.log.error({ event, error: (error as Error).message }, "a driver's event could not be acted on"),
      );
    });
    this.watch.start((page) => this.look(page));
  }

  /** @throws the first that failed; what a device's job is damaged by keeps no other device from being looked at */
  private async look(page: DeviceBookPage): Promise<void> {
    const failures: unknown[] = [];
    for (const facts of this.inventory.devices)
      await this.lookAt(facts, page).catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }

  private async lookAt(facts: DeviceFacts, page: DeviceBookPage): Promise<void> {
    const { uuid } = facts;
    const ailment = ailmentOf(this.inventory.reach(uuid), this.inventory.newest(uuid));
    const holders = page.holders.get(uuid) ?? [];
    if (ailment && (!page.drains.has(uuid) || holders.length > 0))
      await this.takeOut(facts, ailment, holders);
    await this.obstruct(facts, page);
    await this.lookForTrespass(facts, page);
    await this.lookForExcess(facts, holders);
  }

  private async onEvent(event: DeviceEvent): Promise<void> {
    // A GPU's trouble is that of all its instances.
    const devices = this.inventory.devices.filter(
      ({ uuid, mig }) => uuid === event.uuid || mig?.parent === event.uuid,
    );
    const { page } = await this.book.read();
    const ailment = ailmentOfEvent(event);
    for (const facts of devices) {
      const holders = page.holders.get(facts.uuid) ?? [];
      const jobs = holders.map(({ job }) => job);
      this.log.warn({ device: facts.uuid, kind: event.kind, xid: event.xid, jobs }, 'the driver reports');
      if (event.xid !== null) {
        const meaning = meaningOfXid(event.xid);
        const { xid, meaning: words, verdict } = meaning;
        const at = new Date().toISOString();
        await this.ledger.devices.reportXid(facts.uuid, { at, xid, meaning: words, verdict });
        for (const holder of holders) await this.notice(holder, 'xid', facts.uuid, noticeOfXid(meaning));
      }
      if (ailment) await this.takeOut(facts, ailment, holders);
    }
  }

  /** Takes a device out until it is resumed, and ends the jobs on it where they can't go on. Twice does no harm. */
  private async takeOut(
    { uuid, index }: DeviceFacts,
    { endsJob, ...why }: Ailment,
    holders: readonly BookedHolder[],
  ): Promise<void> {
    const isNew = await this.ledger.devices.drain(uuid, { ...why, by: 'berth' });
    if (isNew) this.log.error({ device: uuid, ...why }, 'a device is taken out of scheduling');
    if (!endsJob) return;
    const sentence = `device ${index} can't be used any more: ${why.sentence}`;
    const cause: Cause = { code: 'device_lost', sentence, rank: null, exitCode: null, signal: null };
    for (const holder of holders) await this.end(holder, cause);
  }

  private async obstruct(facts: DeviceFacts, page: DeviceBookPage): Promise<void> {
    const { uuid } = facts;
    const sample = this.inventory.newest(uuid);
    const found = passingObstacles(
      {
        facts,
        reach: this.inventory.reach(uuid),
        use: this.watch.useOf(uuid),
        sample,
        held: page.holders.has(uuid),
      },
      this.policy.foreignLimitBytes,
    );
    const isForeign = this.isForeignForLong(uuid, found, sample?.takenAt ?? 0);
    const findings = found.filter(({ code }) => code !== 'foreign_use' || isForeign);

    const now = Date.now();
    const before = this.written.get(uuid);
    const obstacles = findings.map((finding) => {
      const same = before?.obstacles.find(({ code }) => code === finding.code);
      return { ...finding, since: same?.since ?? now };
    });
    const codes = (list: readonly PassingObstacle[] = []): string => list.map(({ code }) => code).join();
    const isSame = codes(before?.obstacles) === codes(obstacles);
    const isFresh = before !== undefined && now - before.at < SENTENCE_LASTS_MS;
    const saysTheSame = JSON.stringify(before?.obstacles ?? []) === JSON.stringify(obstacles);
    if (isSame && (saysTheSame || isFresh)) return;
    await this.ledger.devices.obstruct(uuid, obstacles);
    this.written.set(uuid, { at: now, obstacles });
    if (!isSame)
      this.log.info({ device: uuid, obstacles: findings }, 'what keeps jobs away from a device has changed');
  }

  private isForeignForLong(uuid: string, found: readonly Finding[], takenAt: number): boolean {
    const known = this.foreign.get(uuid) ?? { takenAt: 0, samples: 0 };
    if (takenAt > known.takenAt) {
      const samples = found.some(({ code }) => code === 'foreign_use') ? known.samples + 1 : 0;
      this.foreign.set(uuid, { takenAt, samples });
      return samples >= SAMPLES_TO_BE_FOREIGN;
    }
    return known.samples >= SAMPLES_TO_BE_FOREIGN;
  }

  private async lookForTrespass({ uuid, index }: DeviceFacts, page: DeviceBookPage): Promise<void> {
    for (const process of this.watch.useOf(uuid).processes ?? []) {
      if (process.job === null || page.holders.get(uuid)?.some(({ job }) => job === process.job)) continue;
      // An attempt's devices never change: who holds others has never had this one.
      const own = [...page.holders].flatMap(([device, holders]) =>
        holders.filter(({ job }) => job === process.job).map((holder) => ({ device, holder })),
      );
      const [first] = own;
      if (!first) continue;
      const { holder } = first;
      const named = own.map(({ device }) => this.indexOf(device)).join(', ');
      const sentence = trespassSentence(process, index, named);
      if (await this.notice(holder, 'trespass', uuid, sentence)) {
        this.log.warn(
          { job: holder.job, device: uuid, pid: process.pid },
          'a job is on a device that is not its own',
        );
      }
      if (this.policy.trespass === 'kill') {
        await this.end(holder, { code: 'trespass', sentence, rank: null, exitCode: null, signal: null });
      }
    }
  }

  /** Whoever shares a device has said how much of it they need; others count on that. */
  private async lookForExcess({ uuid, index }: DeviceFacts, holders: readonly BookedHolder[]): Promise<void> {
    const { bytesByJob } = this.watch.useOf(uuid);
    for (const holder of holders) {
      const used = bytesByJob.get(holder.job) ?? 0;
      if (holder.sharedBytes === null || used <= holder.sharedBytes) continue;
      const sentence =
        `it has ${formatBytes(used)} of device ${index}, which it shares, but declared ${formatBytes(holder.sharedBytes)}; ` +
        'submit it with more (sharing.memory), or give it a device to itself';
      if (await this.notice(holder, 'memory_exceeded', uuid, sentence))
        this.log.warn({ job: holder.job, device: uuid, used }, 'a job has more memory than it declared');
      if (this.policy.memoryExceeded === 'kill') {
        const cause: Cause = { code: 'memory_exceeded', sentence, rank: null, exitCode: null, signal: null };
        await this.end(holder, cause);
      }
    }
  }

  private indexOf(uuid: string): string {
    const facts = this.inventory.devices.find((device) => device.uuid === uuid);
    return facts ? `${facts.index}${facts.mig ? `:${facts.mig.index}` : ''}` : uuid;
  }

  private async notice(
    { job, attempt }: BookedHolder,
    code: Notice['code'],
    device: string,
    sentence: string,
  ): Promise<boolean> {
    try {
      return await this.ledger.notice(job, attempt, { code, device, sentence });
    } catch (error) {
      if (error instanceof LedgerRefusal) return false; // It has ended meanwhile.
      throw error;
    }
  }

  private async end({ job, attempt }: BookedHolder, cause: Cause): Promise<void> {
    try {
      await this.ledger.stop(job, 'failed', cause, attempt);
    } catch (error) {
      if (!(error instanceof LedgerRefusal)) throw error; // It has ended meanwhile.
    }
  }
}

function trespassSentence({ pid, command, memoryBytes }: DeviceProcess, index: number, own: string): string {
  const memory = memoryBytes === null ? 'memory' : formatBytes(memoryBytes);
  return (
    `its process ${pid}${command ? ` (${command})` : ''} has ${memory} on device ${index}, which is not its own ` +
    `(it was given ${own}); leave CUDA_VISIBLE_DEVICES as Berth sets it, and use cuda:0 for the first device`
  );
}
