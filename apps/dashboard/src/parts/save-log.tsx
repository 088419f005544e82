import { useAct } from '../live/act.js';
import { saveLog } from '../live/save-log.js';
import { Trouble } from './trouble.js';

/** Saves the whole log of a task as a file. */
export function SaveLog({ job, attempt, rank }: { job: number; attempt: number; rank: number }) {
  const { act, error, isBusy } = useAct();
  return (
    <>
      <button type="button" disabled={isBusy} onClick={act(() => saveLog(job, attempt, rank))}>
        {isBusy ? 'Downloading …' : 'Download'}
      </button>
      <Trouble error={error} />
    </>
  );
}
