import type { BerthClient, LogOptions } from '@berth/client';
import type { Job } from '@berth/contract';
import type { Kit } from './kit.js';
import { progressLine } from './progress.js';

const PROGRESS_MILLISECONDS = 1000;

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

/** Passes a job's output on to stdout, as it comes; on a terminal with how far it is in a line below. */
export async function passLog(
  kit: Pick<Kit, 'terminal'> & { client: BerthClient },
  job: Pick<Job, 'id'>,
  options: LogOptions & { signal: AbortSignal },
): Promise<void> {
  const { client, terminal } = kit;
  const line = options.follow && terminal.hasStatusLine ? new StatusLine(kit, job, options.signal) : null;
  try {
    for await (const part of client.jobs.logs(job, options)) {
      terminal.status(null);
      await terminal.pass(part, options.signal);
      line?.passed(part);
    }
  } finally {
    line?.stop();
  }
}

/** The line below the output. It keeps away from output that stands in the middle of a line, or draws a bar itself. */
class StatusLine {
  private readonly terminal: Kit['terminal'];
  private readonly timer: NodeJS.Timeout;
  private text: string | null = null;
  private mayShow = true;
  private drawsItself = false;

  constructor(
    { client, terminal }: Pick<Kit, 'terminal'> & { client: BerthClient },
    job: Pick<Job, 'id'>,
    signal: AbortSignal,
  ) {
    this.terminal = terminal;
    const ask = async (): Promise<void> => {
      const metrics = await client.jobs
        .metrics(job, { names: ['loss'], points: 1, signal })
        .catch(() => null);
      this.text = metrics && progressLine(metrics, terminal.columns);
      this.show();
    };
    this.timer = setInterval(() => void ask(), PROGRESS_MILLISECONDS);
  }

  passed(part: Uint8Array): void {
    const cr = part.indexOf(0x0d);
    if (cr >= 0 && part[cr + 1] !== 0x0a) this.drawsItself = true;
    this.mayShow = part.at(-1) === 0x0a;
    this.show();
  }

  stop(): void {
    clearInterval(this.timer);
    this.mayShow = false;
    this.terminal.status(null);
  }

  private show(): void {
    if (this.mayShow && !this.drawsItself) this.terminal.status(this.text);
  }
}

export function sayDetached({ terminal }: Kit, numbers: readonly number[]): void {
  const names = numbers.join(' ');
  const who = numbers.length === 1 ? `job ${names} goes on` : `jobs ${names} go on`;
  const back = numbers.length === 1 ? `berth logs -f ${names}` : `berth wait ${names}`;
  terminal.note(`\nberth: detached, ${who}; come back with ${back}, end it with berth cancel ${names}`);
}
