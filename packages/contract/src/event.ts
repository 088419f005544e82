import { z } from 'zod';
import { JobIdSchema } from './identifiers.js';
import { JobStateSchema } from './job-state.js';

export const EventTypeSchema = z.enum([
  'job.submitted',
  'job.placed',
  'job.started',
  'job.stopping',
  'job.drilled',
  'job.requeued',
  'job.changed',
  'job.ended',
  'task.claimed',
  'task.started',
  'task.signalled',
  'task.ended',
  'devices.registered',
  'device.drained',
  'device.resumed',
  'device.obstructed',
  'device.cleared',
  'device.xid',
  'device.worker_restarted',
  'redis.restarted',
  'daemon.restarted',
  'job.noticed',
  'leader.changed',
  'schedule.created',
  'schedule.changed',
  'schedule.ran',
  'schedule.skipped',
  'schedule.deleted',
  'user.changed',
]);
export type EventType = z.infer<typeof EventTypeSchema>;

/** One change, as the ledger wrote it down in the same step in which it made it. */
export const EventSchema = z
  .object({
    id: z.string().meta({ description: 'Its place in the stream; grows.', example: '1795219500123-0' }),
    type: EventTypeSchema.meta({
      description:
        '`device.worker_restarted`, `redis.restarted` and `daemon.restarted`: a process of Berth had died and is started again; running jobs go on. ' +
        'Of the others the name says it.',
    }),
    at: z.iso.datetime(),
    job: JobIdSchema.optional(),
    number: z.int().positive().optional(),
    state: JobStateSchema.optional(),
    user: z.string().optional().meta({
      description: 'Whose job it is; with `user.changed`, who was changed or removed, or lost a token.',
    }),
    attempt: z.int().nonnegative().optional().meta({ description: '0: before its first.' }),
    rank: z.int().nonnegative().optional(),
    node: z.string().optional(),
    schedule: z.string().optional(),
    device: z.string().optional().meta({ description: 'The UUID of the device that it is about.' }),
    sentence: z.string().optional().meta({
      description:
        'What happened and what Berth did: of drains, obstacles, XIDs, notices, and processes of Berth that were started again.',
    }),
  })
  .meta({ id: 'Event', description: 'One change, as the ledger wrote it down.' });
export type Event = z.infer<typeof EventSchema>;
