import { resolve } from 'node:path';
import { DEFAULT_CHECKPOINT_SIGNAL, type JobSubmission } from '@berth/contract';
import type { JobSpec } from '../ledger/record.js';

/** What a submission says of saving its work, with its defaults. */
export function checkpointSpec(
  { preemptible, checkpointSignal, checkpointPath, timeLimitWarning }: JobSubmission,
  workingDirectory: string,
): Pick<JobSpec, 'preemptible' | 'checkpointSignal' | 'checkpointPath' | 'timeLimitWarning'> {
  const signal = checkpointSignal ?? (preemptible ? DEFAULT_CHECKPOINT_SIGNAL : null);
  return {
    preemptible,
    checkpointSignal: signal,
    checkpointPath: checkpointPath === undefined ? null : resolve(workingDirectory, checkpointPath),
    timeLimitWarning: timeLimitWarning
      ? {
          before: timeLimitWarning.before,
          signal: timeLimitWarning.signal ?? signal ?? DEFAULT_CHECKPOINT_SIGNAL,
        }
      : null,
  };
}
