import type { BerthClient, LogOptions } from '@berth/client';
import type { Job } from '@berth/contract';
import type { Kit } from './kit.js';

/** Ctrl-C ends the watching, not the job: that must be said. */
export class Detached extends Error {
  override readonly name = 'Detached';
}

/** Runs what watches a job. @throws Detached when the person at the terminal has seen enough */
export async function untilInterrupted<T>(kit: Kit, watch: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interruption = new AbortController();
  const stopListening = kit.host.onInterrupt(() => interruption.abort(new Detached()));
  try {
    return await watch(interruption.signal);
  } catch (error) {
    throw interruption.signal.aborted ? new Detached() : error;
  } finally {
    stopListening();
  }
}

/** Passes a job's output on to stdout, as it comes. */
export async function passLog(
  { client, terminal }: Pick<Kit, 'terminal'> & { client: BerthClient },
  job: Pick<Job, 'id'>,
  options: LogOptions & { signal: AbortSignal },
): Promise<void> {
  for await (const part of client.jobs.logs(job, options)) await terminal.pass(part, options.signal);
}

export function sayDetached({ terminal }: Kit, numbers: readonly number[]): void {
  const names = numbers.join(' ');
  const who = numbers.length === 1 ? `job ${names} goes on` : `jobs ${names} go on`;
  const back = numbers.length === 1 ? `berth logs -f ${names}` : `berth wait ${names}`;
  terminal.note(`\nberth: detached, ${who}; come back with ${back}, end it with berth cancel ${names}`);
}
