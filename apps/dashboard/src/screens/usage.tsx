import { formatDuration } from '@berth/contract/quantities';
import { usePoll } from '../live/poll.js';
import { client } from '../live/session.js';
import { Freshness } from '../parts/freshness.js';
import { Scroll } from '../parts/scroll.js';

const hours = (seconds: number): string => (seconds / 3600).toFixed(seconds < 36_000 ? 2 : 0);
const outOf = (held: number, most: number | null): string =>
  most === null ? String(Math.round(held * 100) / 100) : `${Math.round(held * 100) / 100} of ${most}`;

export function UsageScreen() {
  const polled = usePoll((signal) => client.value.usage({ signal }), 5000);
  const usage = polled.data;
  return (
    <>
      <div class="title">
        <h1>Usage</h1>
        <Freshness polled={polled} />
      </div>
      {usage ? (
        <>
          <p>
            Whose turn is next comes first. What was {formatDuration(usage.halfLifeSeconds)} ago counts for
            half; jobs of users with factor 1 have a start of {formatDuration(usage.reachSeconds)} over those
            with 0.
          </p>
          <Scroll label="Usage by user">
            <table>
              <thead>
                <tr>
                  <th scope="col">User</th>
                  <th scope="col">GPU-hours</th>
                  <th scope="col">Of late</th>
                  <th scope="col">Weight</th>
                  <th scope="col">Factor</th>
                  <th scope="col">GPUs</th>
                  <th scope="col">Running</th>
                  <th scope="col">In line</th>
                </tr>
              </thead>
              <tbody>
                {usage.users.map((user) => (
                  <tr key={user.user}>
                    <th scope="row">{user.user}</th>
                    <td>{hours(user.gpuSecondsTotal)}</td>
                    <td>{hours(user.gpuSecondsDecayed)}</td>
                    <td>{user.weight}</td>
                    <td>{user.factor.toFixed(2)}</td>
                    <td>{outOf(user.gpus, user.mostGpus)}</td>
                    <td>{outOf(user.runningJobs, user.mostRunningJobs)}</td>
                    <td>{user.pendingJobs}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
          {usage.users.length === 0 ? <p class="muted">Nobody has used a device yet.</p> : null}
        </>
      ) : null}
    </>
  );
}
