import type { BerthClient, LogOptions } from '@berth/client';
import type { Job } from '@berth/contract';
import type { Kit } from './kit.js';
import { Progress } from './progress.js';

/** Ctrl-C ends the watching, not the job: that must be said. */
export class Detached extends Error {
  override readonly name = 'Detached';
}

/**
 * Runs what watches a job.
 * @param onFirst what the first Ctrl-C does instead; the next one detaches
 * @throws Detached when the person at the terminal has seen enough
 */
export async function untilInterrupted<T>(
  kit: Kit,
  watch: (signal: AbortSignal) => Promise<T>,
  onFirst?: () => void,
): Promise<T> {
  const interruption = new AbortController();
  let first = onFirst;
  const stopListening = kit.host.onInterrupt(() => {
    if (!first) return interruption.abort(new Detached());
    first();
    first = undefined;
  });
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
  // Only where it stands below the output, and isn't part of it.
  const progress = options.follow && terminal.hasStatusLine ? new Progress() : null;
  const decoder = new TextDecoder();
  try {
    for await (const part of client.jobs.logs(job, options)) {
      if (progress) terminal.status(null);
      await terminal.pass(part, options.signal);
      if (!progress) continue;
      const now = Date.now();
      progress.feed(decoder.decode(part, { stream: true }), now);
      terminal.status(progress.line(now, terminal.columns));
    }
  } finally {
    if (progress) terminal.status(null);
  }
}

export function sayDetached({ terminal }: Kit, numbers: readonly number[]): void {
  const names = numbers.join(' ');
  const who = numbers.length === 1 ? `job ${names} goes on` : `jobs ${names} go on`;
  const back = numbers.length === 1 ? `berth logs -f ${names}` : `berth wait ${names}`;
  terminal.note(`\nberth: detached, ${who}; come back with ${back}, end it with berth cancel ${names}`);
}
