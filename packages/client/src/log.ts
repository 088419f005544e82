import { backoff, sleep, WATCH_RETRY_SECONDS } from './backoff.js';
import { BerthUnreachable } from './errors.js';
import type { LogOptions } from './jobs.js';
import { IDLE_MILLISECONDS, type Transport } from './transport.js';

/** Connections that broke, one after the other, before a byte came: then something is wrong that waiting won't mend. */
const MOST_FRUITLESS_CONNECTIONS = 30;
const OFFSET_HEADER = 'berth-log-offset';

/**
 * Reads a log to its end. A connection that breaks is opened again where it broke: offsets are the log's own, so what
 * was received tells where to go on. One stream alone has gaps in its offsets: it is read again from where it began,
 * and what was received is left out.
 * @param isOver whether an answer that ended in order was the end of what is followed, and not that of the daemon
 */
export async function* readLog(
  transport: Transport,
  path: string,
  { rank, stream, tail, offset, attempt, follow, signal, timeoutSeconds }: LogOptions,
  isOver: () => Promise<boolean>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const only = { rank, stream, attempt, follow: follow || undefined };
  let start: number | null = null;
  let received = 0;
  let fruitless = 0;
  let pauses = backoff(100, 2000);
  for (;;) {
    const place = start === null ? { tail, offset } : { offset: stream ? start : start + received };
    const response = await transport.open({
      path,
      query: { ...only, ...place },
      signal,
      timeoutSeconds,
      patient: follow === true,
      retrySeconds: start === null ? undefined : WATCH_RETRY_SECONDS,
    });
    let again = stream && start !== null ? received : 0;
    start ??= Number(response.headers.get(OFFSET_HEADER) ?? offset ?? 0);

    const opened = performance.now();
    let broken: unknown = null;
    const body = response.body?.getReader();
    try {
      for (;;) {
        const part = await body?.read().catch((error: unknown) => {
          signal?.throwIfAborted();
          broken = error;
        });
        if (!part?.value) break;
        const fresh = part.value.subarray(Math.min(again, part.value.length));
        again -= part.value.length - fresh.length;
        if (fresh.length === 0) continue;
        received += fresh.length;
        fruitless = 0;
        pauses = backoff(100, 2000);
        yield fresh;
      }
    } finally {
      // Whoever stops taking lets go of the connection, too.
      await body?.cancel().catch(() => undefined);
    }

    if (!broken && (!follow || (await isOver()))) return;
    fruitless = performance.now() - opened > IDLE_MILLISECONDS ? 0 : fruitless + 1;
    if (fruitless > MOST_FRUITLESS_CONNECTIONS) {
      throw new BerthUnreachable(transport.url, 'the log breaks off again and again', { cause: broken });
    }
    await sleep(pauses.next().value, signal);
  }
}
