import { type CheckpointSignal, type Drill, type DrillRank, formatDuration } from '@berth/contract';
import { type JobRecord, type JobSpec, placedAttempt, specOf } from './record.js';

/** How long a drill may take beyond the grace period of its job. */
export const DRILL_MARGIN_MS = 10_000;

/** When a drill is over, also if somebody has not been heard of (ms since the epoch). */
export function drillEnd(record: JobRecord, at: number): number {
  return at + specOf(record).gracePeriod * 1000 + DRILL_MARGIN_MS;
}

/** What one task made of a drill, as its worker saw it. Times in ms since the epoch. */
export interface TaskDrill {
  /** null: its shim took no order. */
  sentAt: number | null;
  processes: number | null;
  handlers: number | null;
  writtenAt: number | null;
  path: string | null;
  ended: { exitCode: number | null; signal: string | null; at: number } | null;
}

/**
 * What is known by now of an attempt's last drill.
 * @param at when it began, @param now; both ms since the epoch
 */
export function drillFromRecord(record: JobRecord, attempt: number, at: number, now: number): Drill {
  const spec = specOf(record);
  const signal = spec.checkpointSignal as CheckpointSignal;
  const isOver = now >= drillEnd(record, at);
  const ranks = placedAttempt(record, attempt).tasks.map(({ rank }) => {
    const field = `task:${attempt}:${rank}`;
    const json = record[`${field}:drill`];
    const result = json ? (JSON.parse(json) as TaskDrill) : null;
    const awaited = !result && record[`${field}:state`] === 'running';
    return { view: awaited ? silent(rank, isOver) : rankView(rank, result, spec, signal), awaited };
  });
  const finished = isOver || ranks.every(({ awaited }) => !awaited);
  const views = ranks.map(({ view }) => view);
  return {
    job: record.id as string,
    number: Number(record.number),
    attempt,
    signal,
    at: new Date(at).toISOString(),
    finished,
    sentence: finished
      ? judgement(views, signal, spec)
      : 'the drill goes on; ask again to see the rest of what it finds out',
    ranks: views,
  };
}

const NOTHING = { sentAt: null, processes: null, handlers: null, checkpoint: null, ended: null };

function silent(rank: number, isOver: boolean): DrillRank {
  const sentence = isOver
    ? `rank ${rank} was not heard of in time: its worker does not answer`
    : `rank ${rank} has not been heard of yet`;
  return { rank, ...NOTHING, sentence };
}

function rankView(
  rank: number,
  result: TaskDrill | null,
  spec: JobSpec,
  signal: CheckpointSignal,
): DrillRank {
  if (!result || result.sentAt === null) {
    const sentence = `rank ${rank} got no ${signal}: it was not running, or was being ended already`;
    return { rank, ...NOTHING, sentence };
  }
  const { sentAt, processes, handlers, writtenAt, path, ended } = result;
  const secondsTo = (at: number): number => Math.max(0, at - sentAt) / 1000;
  const view = {
    rank,
    sentAt: new Date(sentAt).toISOString(),
    processes,
    handlers,
    checkpoint:
      writtenAt !== null && path !== null
        ? { writtenAt: new Date(writtenAt).toISOString(), afterSeconds: secondsTo(writtenAt), path }
        : null,
    ended: ended && {
      exitCode: ended.exitCode,
      signal: ended.signal,
      afterSeconds: secondsTo(ended.at),
    },
  };
  return { ...view, sentence: rankSentence(view, spec, signal) };
}

function rankSentence(
  { rank, handlers, processes, checkpoint, ended }: Omit<DrillRank, 'sentence'>,
  { checkpointPath, gracePeriod }: JobSpec,
  signal: CheckpointSignal,
): string {
  const end =
    ended && (ended.signal ? `was ended by ${ended.signal}` : `ended with exit code ${ended.exitCode}`);
  if (checkpoint) {
    const saved = `rank ${rank}: a checkpoint was written ${formatDuration(checkpoint.afterSeconds)} after ${signal} (${checkpoint.path})`;
    if (!ended) return `${saved}, and it goes on; a preemption would then end it by SIGTERM`;
    return `${saved}, and it ${end}; it waits again, to go on from there`;
  }
  const unseen =
    checkpointPath === null
      ? `whether it saved anything is not known: name a checkpointPath, or write to BERTH_CHECKPOINT_FILE`
      : `no checkpoint was written to ${checkpointPath}`;
  if (ended?.signal === signal) {
    return handlers
      ? `the command of rank ${rank} was ended by ${signal}, for it has no handler, as ${handlers} of its ${processes} processes ${handlers === 1 ? 'has' : 'have'}; ${unseen}`
      : `rank ${rank} was ended by ${signal}: it has no handler; a preemption would lose all since the last checkpoint`;
  }
  if (ended) return `rank ${rank} ${end} ${formatDuration(ended.afterSeconds)} after ${signal}; ${unseen}`;
  if (handlers === 0)
    return `rank ${rank} took no notice: none of its ${processes} processes has a handler for ${signal}; a preemption would lose all since the last checkpoint`;
  return `rank ${rank} caught ${signal} and goes on; within its grace period of ${formatDuration(gracePeriod)} ${checkpointPath === null ? 'no change was seen, and ' : ''}${unseen}`;
}

/** What it means for a preemption, of all ranks together: often one of them writes for all. */
function judgement(ranks: readonly DrillRank[], signal: CheckpointSignal, { gracePeriod }: JobSpec): string {
  const written = ranks.flatMap(({ checkpoint }) => (checkpoint ? [checkpoint.afterSeconds] : []));
  if (written.length > 0) {
    const after = formatDuration(Math.min(...written));
    return `a checkpoint was written ${after} after ${signal}, within the grace period of ${formatDuration(gracePeriod)}`;
  }
  const worst =
    ranks.find(({ ended }) => ended?.signal === signal) ?? ranks.find(({ sentAt }) => sentAt !== null);
  return worst?.sentence ?? ranks[0]?.sentence ?? `${signal} reached nobody`;
}
