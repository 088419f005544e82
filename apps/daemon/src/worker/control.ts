import type { JobId } from '@berth/contract';
import type { Redis } from 'ioredis';
import { KEYS } from '../ledger/keys.js';
import type { TaskReference } from '../ledger/task-reference.js';

/** What can be said to a device's worker while it runs. */
export interface ControlHandlers {
  stop(task: TaskReference): void;
  /** The task may save its work before it ends. */
  save(task: TaskReference): void;
  drill(task: TaskReference): void;
  /** The limits of a job were changed. */
  limits(job: JobId): void;
  /** The daemon goes and asks workers that have nothing to do to go as well. */
  retire(): void;
  /** Words may have been lost: look into the ledger for what they said. */
  listening(): void;
}

/** Listens to what is said to a device's worker (publish and subscribe: only who listens hears). */
export async function listenToControl(
  redis: Redis,
  device: string,
  handlers: ControlHandlers,
): Promise<void> {
  redis.on('message', (_channel: string, message: string) => {
    const [verb, job, attempt, rank] = message.split(' ');
    if (verb === 'retire') handlers.retire();
    if (verb === 'limits') handlers.limits(job as JobId);
    if (verb === 'stop' || verb === 'save' || verb === 'drill')
      handlers[verb]({ job: job as JobId, attempt: Number(attempt), rank: Number(rank) });
  });
  await redis.subscribe(KEYS.control(device));
  redis.on('ready', () => handlers.listening());
}
