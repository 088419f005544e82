import { usePoll } from '../live/poll.js';
import { client } from '../live/session.js';

/** Whether there are such devices changes with a start of the daemon alone. */
const EVERY_MS = 60_000;

/** Says on every screen that its devices are made up. */
export function SimulatedBadge() {
  const { data } = usePoll((signal) => client.value.devices.list({ signal }), EVERY_MS);
  if (!data?.driver.simulated) return null;
  return (
    <strong class="badge" title="Nothing runs on a GPU here, and what is shown of them is made up.">
      Simulated devices
    </strong>
  );
}
