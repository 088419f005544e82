import type { Device, DeviceList } from '@berth/contract';
import { gibibytes, placeOf, UNKNOWN } from '../figures.js';
import { KeptWaiting } from './device-card.js';
import { Scroll } from './scroll.js';

/** Processes that belong to no job: whose they are, what they have, whom they keep waiting; and how much is let pass. */
export function ForeignTable({ devices: { items, foreignLimitBytes } }: { devices: DeviceList }) {
  const rows = items.flatMap((device) =>
    (device.sample?.processes ?? [])
      .filter(({ job }) => job === null)
      .sort((one, other) => (other.memoryBytes ?? 0) - (one.memoryBytes ?? 0))
      .map((process) => ({ device, process })),
  );
  if (rows.length === 0) return null;
  return (
    <section aria-label="Foreign processes">
      <h2>Processes of no job</h2>
      <p class="muted">
        {foreignLimitBytes === null
          ? 'However much memory they have, jobs are placed beside them'
          : `A device on which they have more than ${gibibytes(foreignLimitBytes)} GiB together is kept from jobs`}{' '}
        (the setting foreignMemoryLimit).
      </p>
      <Scroll label="Processes of no job">
        <table>
          <thead>
            <tr>
              <th scope="col">Device</th>
              <th scope="col">User</th>
              <th scope="col">Program</th>
              <th scope="col" class="right">
                Process
              </th>
              <th scope="col" class="right">
                GiB
              </th>
              <th scope="col">What it does to jobs</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ device, process: { pid, user, command, memoryBytes } }) => (
              <tr key={`${device.uuid} ${pid}`}>
                <td>{placeOf(device)}</td>
                <td>{user ?? 'not to be seen from here'}</td>
                <td>{command ?? UNKNOWN}</td>
                <td class="right">{pid}</td>
                <td class="right">{gibibytes(memoryBytes)}</td>
                <td>
                  <Effect device={device} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}

function Effect({ device: { obstacles, keepsWaiting } }: { device: Device }) {
  if (!obstacles.some(({ code }) => code === 'foreign_use')) return <span class="muted">nothing</span>;
  if (!keepsWaiting?.jobs) return <>keeps jobs away; none waits for the device</>;
  return <KeptWaiting kept={keepsWaiting} />;
}
