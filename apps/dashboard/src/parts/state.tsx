import type { Job, JobState } from '@berth/contract';

export const SIGNS: Record<JobState, string> = {
  pending: '◷',
  starting: '◔',
  running: '▶',
  stopping: '◼',
  succeeded: '✓',
  failed: '✗',
  cancelled: '⊘',
};

/** A state by sign and word: never by colour alone. */
export function State({ state }: Pick<Job, 'state'>) {
  return (
    <span class={`state ${state}`}>
      <span aria-hidden="true">{SIGNS[state]}</span> {state}
    </span>
  );
}
