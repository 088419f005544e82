import { useNow } from '../live/now.js';
import { oldAnswer } from '../live/session.js';

/** After so long without another old answer the next ones are taken for new. */
const OVER_MS = 10_000;

/** Says on every screen that jobs are shown as they were, while the daemon answers without its ledger. */
export function OldAnswers() {
  const now = useNow();
  const seen = oldAnswer.value;
  if (!seen || now - seen.at > OVER_MS) return null;
  const seconds = seen.ageSeconds + Math.max(0, Math.round((now - seen.at) / 1000));
  return (
    <p class="trouble" role="alert">
      Berth can't ask its ledger now: jobs, drains and obstacles are as of {seconds} s ago. What runs goes on;
      nothing new is taken until it is back.
    </p>
  );
}
