import { durationInput, isEnded, type Job, type JobId, JobStateSchema } from '@berth/contract';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { callerOf } from './caller.js';
import type { ApiContext } from './context.js';

/** Proxies and clients give up on a request that takes much longer. */
const LONGEST_SECONDS = 240;

/** For how long to wait for what. */
export const JobWaitQuerySchema = z.strictObject({
  wait: durationInput({ max: LONGEST_SECONDS })
    .optional()
    .meta({
      description:
        "Answers when the job's state has changed, or after so long at the latest. Then ask again.",
      examples: ['30s', 30],
    }),
  until: z.enum(['changed', 'ended']).optional().meta({
    description:
      '`changed` (the default): answers at any other state. `ended`: only when it has ended for good.',
  }),
  was: JobStateSchema.optional().meta({
    description:
      'The state that you know: where it is another one by now, the answer comes at once. Default: the one at the request.',
  }),
});
export type JobWaitQuery = z.infer<typeof JobWaitQuerySchema>;

/**
 * Waits as a request asks for; costs a listener and a timer meanwhile. Nothing is read: the events tell the state.
 * @param job how to read it, for its state before it is waited for
 * @throws ApiProblem `too_many_followers`, and as `read` does
 */
export async function awaitState(
  { watch, followers }: Pick<ApiContext, 'watch' | 'followers'>,
  { id, read }: { id: JobId; read: () => Promise<Job> },
  { wait, until = 'changed', was }: JobWaitQuery,
  reply: FastifyReply,
): Promise<Job> {
  if (!wait) return read();
  const leave = followers.enter(reply, callerOf(reply.request));
  let known: Job['state'] | null = was ?? null;
  const isIt = (state: Job['state']): boolean =>
    until === 'ended' ? isEnded(state) : known !== null && state !== known;
  let settle = (): void => undefined;
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  // Listening before reading: nothing can happen between.
  const stopListening = watch.onChange(id, (state) => {
    if (isIt(state)) settle();
  });
  const timer = setTimeout(settle, wait * 1000);
  reply.raw.once('close', settle);
  try {
    const job = await read();
    known ??= job.state;
    if (isIt(job.state)) return job;
    await settled;
    return await read();
  } finally {
    clearTimeout(timer);
    reply.raw.off('close', settle);
    stopListening();
    leave();
  }
}
