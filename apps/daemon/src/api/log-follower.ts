import { type FSWatcher, watch } from 'node:fs';
import { isEnded, type JobId, type JobState } from '@berth/contract';
import { openLog, type TaskLog } from '@berth/task-shim';
import type { ApiContext } from './context.js';
import { readingOf } from './remembered-jobs.js';

const BLOCK_BYTES = 256 * 1024;

/** Which part of a job's output is wanted. */
export interface LogRequest {
  job: JobId;
  rank: number;
  /** null: the current attempt, and with `follow` those that come after it. */
  attempt: number | null;
  /** Where `attempt` is null: the attempt to begin with; null: the current one. */
  begin: number | null;
  stream: 'stdout' | 'stderr' | null;
  /** A byte of the log. */
  from: number;
  /** Ends the following; null: only what is there now is wanted. */
  follow: AbortSignal | null;
}

/** A part of a log, in its own offsets; without data: it was there, but is kept no longer. */
export interface LogPiece {
  attempt: number;
  from: number;
  to: number;
  data: Buffer | null;
}

/**
 * The output of a task from a byte on: what is there, and while it is followed what comes, until the job has ended.
 * Nothing is polled: the ledger's events tell about the job, the kernel about the file.
 */
export async function* followLog(
  context: Pick<ApiContext, 'ledger' | 'remembered' | 'watch' | 'directories'>,
  request: LogRequest,
): AsyncGenerator<LogPiece> {
  const { watch: jobs, directories } = context;
  const bell = new Bell(request.follow);
  const stopWatching = jobs.onChange(request.job, () => bell.ring());
  let files: FSWatcher | null = null;
  let { attempt, from } = request;
  try {
    while (!request.follow?.aborted) {
      bell.reset();
      const record = await readingOf(context).record(request.job);
      if (!record) return;
      attempt ??= request.begin ?? (Number(record.attempt) || null);
      const over = attempt !== null && record[`task:${attempt}:${request.rank}:state`] === 'ended';
      if (attempt !== null) {
        const directory = directories.task(request.job, attempt, request.rank);
        if (request.follow && !over) files ??= watchFiles(directory, bell);
        from = yield* written(openLog(directory), attempt, from, request.stream);
      }
      if (!request.follow || (over && request.attempt !== null)) return;
      if (over && Number(record.attempt) > (attempt as number)) {
        attempt = (attempt as number) + 1;
        from = 0;
        files?.close();
        files = null;
        continue;
      }
      if (isEnded(record.state as JobState)) return;
      await bell.rung();
    }
  } finally {
    stopWatching();
    files?.close();
  }
}

/** What a log has from a byte on. @returns from where on it has nothing yet */
async function* written(
  log: TaskLog,
  attempt: number,
  from: number,
  stream: LogRequest['stream'],
): AsyncGenerator<LogPiece, number> {
  for (let at = from; ; ) {
    const { chunks, next, skipped } = await log.read(at, BLOCK_BYTES, stream ?? undefined);
    if (skipped) yield { attempt, ...skipped, data: null };
    for (const { offset, data } of chunks) yield { attempt, from: offset, to: offset + data.length, data };
    if (next === at) return next;
    at = next;
  }
}

/** Rings when there is something new to look at; what rings between `reset` and `rung` is not lost. */
class Bell {
  private wake: () => void = () => undefined;
  private sound: Promise<void> = Promise.resolve();

  constructor(signal: AbortSignal | null) {
    signal?.addEventListener('abort', () => this.ring());
  }

  reset(): void {
    this.sound = new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  ring(): void {
    this.wake();
  }

  rung(): Promise<void> {
    return this.sound;
  }
}

/** The task's folder exists from its start on; before, the job's own events ring. */
function watchFiles(directory: string, bell: Bell): FSWatcher | null {
  try {
    const watcher = watch(directory, () => bell.ring());
    watcher.on('error', () => undefined);
    return watcher;
  } catch {
    return null;
  }
}
