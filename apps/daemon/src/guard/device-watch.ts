import type { Logger } from 'pino';
import type { Histories } from '../devices/histories.js';
import type { DeviceInventory } from '../devices/inventory.js';
import type { DeviceBookPage, DeviceBookView } from '../ledger/device-book-view.js';
import { RecurringTrouble } from '../recurring-trouble.js';
import type { ActivityMeter } from './activity-meter.js';
import { type DeviceUse, deviceUse } from './device-use.js';
import { ProcessOwners } from './process-owners.js';
import type { RunningTasks } from './running-tasks.js';

const NOBODY: DeviceUse = { processes: null, jobBytes: null, foreignBytes: null, bytesByJob: new Map() };

/** After each round of samples: whose the processes are, and what goes into the histories. Then the guard looks at it. */
export class DeviceWatch {
  /** Grows with each round. */
  rounds = 0;

  private readonly inventory: DeviceInventory;
  private readonly book: DeviceBookView;
  private readonly tasks: RunningTasks;
  private readonly histories: Histories;
  private readonly activity: ActivityMeter;
  private readonly trouble: RecurringTrouble;
  private readonly owners: ProcessOwners;
  private uses = new Map<string, DeviceUse>();
  private busy = false;

  constructor(options: {
    inventory: DeviceInventory;
    book: DeviceBookView;
    tasks: RunningTasks;
    histories: Histories;
    activity: ActivityMeter;
    log: Logger;
  }) {
    this.inventory = options.inventory;
    this.book = options.book;
    this.tasks = options.tasks;
    this.histories = options.histories;
    this.activity = options.activity;
    this.trouble = new RecurringTrouble(options.log, {
      begins: 'a round of samples is lost',
      ends: 'samples are looked through again',
    });
    this.owners = new ProcessOwners(() => this.tasks.tasks);
  }

  /** @param guard is told of each round when it has been looked through */
  start(guard: (page: DeviceBookPage) => Promise<void>): void {
    this.inventory.onRound(() => {
      if (this.busy) return;
      this.busy = true;
      void this.trouble.through(this.round(guard)).finally(() => {
        this.busy = false;
      });
    });
  }

  /** Who has memory on a device, as of the last round. */
  useOf(uuid: string): DeviceUse {
    return this.uses.get(uuid) ?? NOBODY;
  }

  private async round(guard: (page: DeviceBookPage) => Promise<void>): Promise<void> {
    await this.tasks.refresh();
    const { page } = await this.book.read();
    const uses = new Map<string, DeviceUse>();
    const pids = new Set<number>();
    for (const facts of this.inventory.devices) {
      const { uuid, index } = facts;
      const sample = this.inventory.newest(uuid);
      const use = deviceUse(sample, this.owners);
      uses.set(uuid, use);
      for (const { pid } of use.processes ?? []) pids.add(pid);
      if (sample && this.inventory.reach(uuid) === 'ok') {
        const holding = page.holders.get(uuid) ?? [];
        const holders = holding.map(({ job, attempt }) => {
          const ownBytes = use.processes ? (use.bytesByJob.get(job) ?? 0) : null;
          return { job, attempt, ownBytes };
        });
        this.histories.add({ uuid, index }, sample, holders);
        this.activity.add(facts, sample, holding);
      }
    }
    this.owners.keep(pids);
    this.uses = uses;
    this.rounds += 1;
    await guard(page);
  }
}
