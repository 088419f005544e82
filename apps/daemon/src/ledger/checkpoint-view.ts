import { type Cause, type Checkpoint, type CheckpointSignal, formatDuration } from '@berth/contract';
import type { JobRecord } from './record.js';

/** How one task took its checkpoint signal. Times in ms since the epoch. */
export interface TaskCheckpoint {
  signal: CheckpointSignal;
  sentAt: number;
  writtenAt: number | null;
  path: string | null;
  endedBy: Checkpoint['endedBy'];
}

const HARSHNESS: Checkpoint['endedBy'][] = ['itself', 'SIGTERM', 'SIGKILL'];

/** How an attempt took its checkpoint signal: what its ranks say of it, taken together. */
export function checkpointOf(
  record: JobRecord,
  attempt: number,
  ranks: readonly number[],
): Checkpoint | null {
  const said = ranks.map((rank) => taskCheckpoint(record, attempt, rank));
  const signalled = said.filter((each) => each !== null);
  const [first] = signalled;
  if (!first) return null;
  const written = signalled.reduce((newest, each) =>
    (each.writtenAt ?? 0) > (newest.writtenAt ?? 0) ? each : newest,
  );
  const endings = signalled.map(({ endedBy }) => HARSHNESS.indexOf(endedBy));
  return {
    signal: first.signal,
    sentAt: new Date(Math.min(...signalled.map(({ sentAt }) => sentAt))).toISOString(),
    writtenAt: written.writtenAt === null ? null : new Date(written.writtenAt).toISOString(),
    path: written.path,
    endedBy: endings.includes(-1) ? null : (HARSHNESS[Math.max(...endings)] ?? null),
  };
}

/** While the task runs all that is known is the signal; how it was taken comes with its end. */
function taskCheckpoint(record: JobRecord, attempt: number, rank: number): TaskCheckpoint | null {
  const field = `task:${attempt}:${rank}`;
  const ending = record[`${field}:ending`];
  if (ending) return (JSON.parse(ending) as { checkpoint?: TaskCheckpoint | null }).checkpoint ?? null;
  const sent = record[`${field}:checkpoint`];
  if (!sent) return null;
  return { ...(JSON.parse(sent) as Pick<TaskCheckpoint, 'signal' | 'sentAt'>), ...UNKNOWN };
}

const UNKNOWN = { writtenAt: null, path: null, endedBy: null } as const;

/** A cause that also says what became of the work, once that is decided. */
export function withCheckpoint(
  cause: Cause | null,
  checkpoint: Checkpoint | null,
  watched: boolean,
): Cause | null {
  if (!cause || !checkpoint?.endedBy) return cause;
  return { ...cause, sentence: `${cause.sentence}; ${checkpointWords(checkpoint, watched)}` };
}

/** @param watched whether a checkpointPath was named */
function checkpointWords({ signal, sentAt, writtenAt, endedBy }: Checkpoint, watched: boolean): string {
  const how = {
    itself: '',
    SIGTERM: `, and it ended only after SIGTERM`,
    SIGKILL: `, and it had to be killed (SIGKILL) at the end of its grace period`,
  }[endedBy as NonNullable<Checkpoint['endedBy']>];
  if (writtenAt !== null) {
    const after = formatDuration(Math.max(0, Date.parse(writtenAt) - Date.parse(sentAt)) / 1000);
    return `its checkpoint was written ${after} after ${signal}${how}`;
  }
  return watched
    ? `no checkpoint was written after ${signal}${how}`
    : `whether it saved its work after ${signal} is not known, for it names no checkpointPath${how}`;
}
