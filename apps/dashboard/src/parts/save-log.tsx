import { useState } from 'preact/hooks';
import { useAct } from '../live/act.js';
import { saveLog } from '../live/save-log.js';
import { Trouble } from './trouble.js';

/** Saves the whole log of a task as a file. */
export function SaveLog({ job, attempt, rank }: { job: number; attempt: number; rank: number }) {
  const [isBusy, setBusy] = useState(false);
  const { act, error } = useAct(() => setBusy(false));
  const save = act(() => saveLog(job, attempt, rank));
  return (
    <>
      <button
        type="button"
        disabled={isBusy}
        onClick={() => {
          setBusy(true);
          void save();
        }}
      >
        {isBusy ? 'Downloading …' : 'Download'}
      </button>
      <Trouble error={error} />
    </>
  );
}
