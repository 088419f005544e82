import type { HangPolicy } from '@berth/contract';
import { formatDuration } from '@berth/contract';

/*
 * Whether a job hangs: pure rules. A job lives as long as it writes (output, metrics, checkpoints) or as its devices are now
 * busy, now less so. One that waits for ever does neither: in a collective of NCCL its devices spin at 100 %, else they lie at 0 %.
 */

/** What is seen of a running job at a moment. */
export interface Sight {
  /** ms, by a clock that nobody sets. */
  at: number;
  /** Changes with everything that the job writes. */
  traces: string;
  /** 0 … 1, of each device of the ranks that run; null: not known, or not by this job alone. */
  utilisation: readonly (number | null)[];
  /** ms since its newest checkpoint; null: there is none. */
  checkpointAge: number | null;
  /** A rank that has ended while others run; null: none has. */
  endedRank: number | null;
}

/** What is remembered of a job from sight to sight. */
export interface Vigil {
  /** Since when it stands still. */
  since: number;
  seenAt: number;
  traces: string;
  load: Load | null;
}

export interface Suspicion {
  quietSeconds: number;
  load: Load;
  endedRank: number | null;
  /** Whether its policy lets it be ended now. */
  end: boolean;
  sentence: string;
}

/** How the devices are, all the time: `busy`: one at 100 % at least, and none in between. */
type Load = 'busy' | 'idle';

/** NVML counts in whole per cent, over about a second. */
const BUSY = 0.99;
const IDLE = 0.01;
/** What nobody looked at for so long may have lived meanwhile. */
const LONGEST_GAP_MS = 30_000;
/** With one rank gone the others wait in vain; but one that saves a last checkpoint does so alone, and idles its device. */
const QUIET_AFTER_END_SECONDS: Record<Load, number> = { busy: 10, idle: 60 };

/** What is remembered after another sight of a job. @param before null: it wasn't seen before */
export function watched(before: Vigil | null, sight: Sight): Vigil {
  const { at, traces } = sight;
  const load = loadOf(sight.utilisation);
  const stands =
    before !== null &&
    load !== null &&
    load === before.load &&
    traces === before.traces &&
    at - before.seenAt <= LONGEST_GAP_MS;
  const wroteAt = sight.checkpointAge === null ? Number.NEGATIVE_INFINITY : at - sight.checkpointAge;
  return { since: stands ? Math.max(before.since, Math.min(wroteAt, at)) : at, seenAt: at, traces, load };
}

/** Whether a job hangs, as far as can be told; null: no. */
export function suspicionOf(
  { since, seenAt, load }: Vigil,
  { endedRank }: Pick<Sight, 'endedRank'>,
  policy: HangPolicy,
): Suspicion | null {
  if (load === null || policy.action === 'ignore') return null;
  const quietSeconds = (seenAt - since) / 1000;
  const isLong = quietSeconds >= policy.after;
  const isLeft = endedRank !== null && quietSeconds >= QUIET_AFTER_END_SECONDS[load];
  if (!isLong && !isLeft) return null;
  const left =
    endedRank === null ? '' : `; rank ${endedRank} has ended, and the others may wait for it in vain`;
  const sentence =
    `it seems to hang: no output, metrics or checkpoint for ${formatDuration(Math.floor(quietSeconds))}, while its devices are ` +
    `at ${load === 'busy' ? '100' : '0'} %${left}`;
  const end = policy.action === 'kill' && (isLong || load === 'busy');
  return { quietSeconds, load, endedRank, end, sentence };
}

function loadOf(utilisation: Sight['utilisation']): Load | null {
  if (utilisation.length === 0) return null;
  let load: Load = 'idle';
  for (const each of utilisation) {
    if (each === null || (each > IDLE && each < BUSY)) return null;
    if (each >= BUSY) load = 'busy';
  }
  return load;
}
