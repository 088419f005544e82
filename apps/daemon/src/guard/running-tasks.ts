import { readStartRecord } from '@berth/task-shim';
import type { DataDirectory } from '../data-directory.js';
import type { EventFeed } from '../ledger/event-feed.js';
import type { Ledger } from '../ledger/ledger.js';
import { type JobRecord, placedAttempt } from '../ledger/record.js';
import type { RunningTask } from './process-owners.js';

const CHANGING: ReadonlySet<string> = new Set(['job.stopping', 'job.ended', 'job.requeued']);

/** The tasks that run on this node, read anew after each event that may have changed them. */
export class RunningTasks {
  tasks: readonly RunningTask[] = [];
  /** Their jobs, as the ledger has them. */
  records: readonly JobRecord[] = [];
  private stale = true;
  private readonly ledger: Ledger;
  private readonly directories: DataDirectory;
  private readonly node: string;

  constructor(ledger: Ledger, directories: DataDirectory, feed: EventFeed, node: string) {
    this.ledger = ledger;
    this.directories = directories;
    this.node = node;
    feed.listen((events) => {
      if (events.some(({ type }) => type.startsWith('task.') || CHANGING.has(type))) this.stale = true;
    });
  }

  async refresh(): Promise<void> {
    if (!this.stale) return;
    this.stale = false;
    try {
      await this.read();
    } catch (error) {
      this.stale = true;
      throw error;
    }
  }

  private async read(): Promise<void> {
    const tasks: RunningTask[] = [];
    const records: JobRecord[] = [];
    const { sound, damaged } = await this.ledger.holding();
    for (const record of sound) {
      const attempt = Number(record.attempt);
      const placed = placedAttempt(record, attempt);
      if (placed.node !== this.node) continue;
      records.push(record);
      for (const { rank } of placed.tasks) {
        if (record[`task:${attempt}:${rank}:state`] !== 'running') continue;
        const job = record.id as string;
        const start = readStartRecord(this.directories.task(job, attempt, rank));
        if (!start) continue;
        const { shimPid, shimStartTicks } = start;
        tasks.push({ job, number: Number(record.number), attempt, rank, shimPid, shimStartTicks });
      }
    }
    // What runs of a job that can't be read any more is its own all the same.
    const unreadable = new Set(damaged.map(({ id }) => id));
    this.tasks = [...tasks, ...this.tasks.filter(({ job }) => unreadable.has(job))];
    this.records = records;
  }
}
