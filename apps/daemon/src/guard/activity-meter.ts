import { randomUUID } from 'node:crypto';
import type { Holder } from '@berth/contract';
import type { DeviceFacts, DeviceSample } from '@berth/cuda-core';
import { capacityOf } from '@berth/scheduler';
import type { Logger } from 'pino';
import type { Activity, UsageLedger } from '../ledger/usage.js';
import { RecurringTrouble } from '../recurring-trouble.js';

/** A sample stands for the time since the one before; after a longer pause nobody saw the rest. */
const LONGEST_STEP_MS = 5000;
const WRITE_MS = 10_000;

/**
 * Adds up how much of the time in which jobs held devices these did nothing, and writes it to the ledger now and then. Only
 * what was seen counts: a device that doesn't say (a MIG instance), and the time while no daemon ran, is neither busy nor idle.
 */
export class ActivityMeter {
  private readonly ledger: Pick<UsageLedger, 'noteActivity'>;
  private readonly trouble: RecurringTrouble;
  private readonly lastSeen = new Map<string, number>();
  private seen = new Map<string, Activity>();
  private timer: NodeJS.Timeout | null = null;

  constructor(ledger: Pick<UsageLedger, 'noteActivity'>, log: Logger) {
    this.ledger = ledger;
    this.trouble = new RecurringTrouble(log, {
      begins: 'how busy devices were can not be written down',
      ends: 'how busy devices were is written down again',
    });
  }

  start(): void {
    this.timer = setInterval(() => void this.write(), WRITE_MS);
  }

  async close(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.write();
  }

  /** Takes one sample of a device, and who holds it. */
  add(
    device: Pick<DeviceFacts, 'uuid' | 'memoryTotalBytes'>,
    { takenAt, utilisation }: Pick<DeviceSample, 'takenAt' | 'utilisation'>,
    holders: readonly Pick<Holder, 'job' | 'user' | 'since' | 'sharedBytes'>[],
  ): void {
    const step = takenAt - (this.lastSeen.get(device.uuid) ?? takenAt);
    this.lastSeen.set(device.uuid, takenAt);
    if (utilisation === null || step > LONGEST_STEP_MS) return;
    const memoryBytes = device.memoryTotalBytes;
    for (const { job, user, since, sharedBytes } of holders) {
      const gpus = sharedBytes === null ? 1 : sharedBytes / capacityOf({ memoryBytes });
      const held = Math.max(0, Math.min(step, takenAt - Date.parse(since)));
      if (held === 0) continue;
      const watched = (gpus * held) / 1000;
      const key = `${job} ${device.uuid}`;
      const before = this.seen.get(key) ?? { job, user, device: device.uuid, watched: 0, idle: 0 };
      const idle = before.idle + (utilisation === 0 ? watched : 0);
      this.seen.set(key, { ...before, watched: before.watched + watched, idle });
    }
  }

  /** Writes down what was seen since the last time. */
  async write(): Promise<void> {
    if (this.seen.size === 0) return;
    const seen = [...this.seen.values()];
    this.seen = new Map();
    await this.trouble.through(this.ledger.noteActivity(randomUUID(), seen));
  }
}
