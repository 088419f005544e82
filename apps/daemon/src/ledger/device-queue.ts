import { Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { PREFIX } from './keys.js';
import type { TaskReference } from './task-reference.js';

/**
 * The hand-over of tasks to a device's worker, on BullMQ.
 *
 * An entry only says "look, there is a task for you": the ledger's checked `claim` decides who may start it. So an entry
 * that is delivered twice, or long after, does no harm. Its id is made of the task, so adding it twice adds it once for
 * as long as the finished entry is kept.
 */
const FINISHED_ENTRIES_KEPT = { age: 86_400, count: 10_000 };

const queueName = (device: string): string => `device-${device}`;

const entryId = ({ job, attempt, rank }: TaskReference): string => `${job}.${attempt}.${rank}`;

/** The sending side: one connection for the queues of all devices. */
export class DeviceQueues {
  private readonly redis: Redis;
  private readonly queues = new Map<string, Queue<TaskReference>>();

  private readonly onError: (error: Error) => void;

  constructor(redis: Redis, onError: (error: Error) => void) {
    this.redis = redis;
    this.onError = onError;
  }

  /** Hands a task over to the worker of a device. Handing over twice is handing over once. */
  async handOver(device: string, task: TaskReference): Promise<void> {
    await this.queueOf(device).add('task', task, { jobId: entryId(task) });
  }

  /** Removes what is left of a hand-over that is done with. */
  async forget(device: string, task: TaskReference): Promise<void> {
    await this.queueOf(device).remove(entryId(task));
  }

  private queueOf(device: string): Queue<TaskReference> {
    let queue = this.queues.get(device);
    if (!queue) {
      queue = new Queue<TaskReference>(queueName(device), {
        connection: this.redis,
        prefix: PREFIX,
        skipVersionCheck: true,
        defaultJobOptions: { removeOnComplete: FINISHED_ENTRIES_KEPT, removeOnFail: FINISHED_ENTRIES_KEPT },
      });
      queue.on('error', this.onError);
      this.queues.set(device, queue);
    }
    return queue;
  }

  async close(): Promise<void> {
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
  }
}

/**
 * The receiving side, in a device's worker: one hand-over at a time, each over once its task has started.
 * @param take resolves once the task has started or needs no start; then the entry is done with
 * @returns a function that stops taking, once what was taken is done with
 */
export function takeTasks(
  redis: Redis,
  device: string,
  take: (task: TaskReference) => Promise<void>,
  onError: (error: Error) => void,
): () => Promise<void> {
  const worker = new Worker<TaskReference>(queueName(device), (entry) => take(entry.data), {
    connection: redis,
    prefix: PREFIX,
    skipVersionCheck: true,
    removeOnComplete: FINISHED_ENTRIES_KEPT,
    removeOnFail: FINISHED_ENTRIES_KEPT,
  });
  worker.on('error', onError);
  worker.on('failed', (_entry, error) => onError(error));
  return () => worker.close();
}
