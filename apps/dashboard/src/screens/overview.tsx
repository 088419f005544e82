import type { Device } from '@berth/contract';
import { useRef, useState } from 'preact/hooks';
import { gibibytes } from '../figures.js';
import { askLab, type Lab } from '../live/lab.js';
import { usePoll } from '../live/poll.js';
import { DeviceCard, type Past } from '../parts/device-card.js';
import { Freshness } from '../parts/freshness.js';
import { JobTable } from '../parts/job-table.js';

const EVERY_MS = 2000;
/** How many of the past samples are drawn: five minutes. */
const DRAWN = 150;

export function Overview() {
  const [asked, askAgain] = useState(0);
  const polled = usePoll(askLab, EVERY_MS, asked);
  const pasts = usePasts(polled.data?.devices.items ?? [], polled.at);
  const lab = polled.data;
  return (
    <>
      <div class="title">
        <h1>Devices</h1>
        <Freshness polled={polled} />
      </div>
      {lab ? <Numbers lab={lab} /> : null}
      {lab?.devices.driver.problem ? (
        <p class="trouble" role="alert">
          {lab.devices.driver.problem.detail} {lab.devices.driver.problem.hint}
        </p>
      ) : null}
      <section class="devices" aria-label="Devices">
        {lab?.devices.items.map((device) => (
          <DeviceCard
            key={device.uuid}
            device={device}
            past={pasts.get(device.uuid) ?? { utilisation: [], power: [] }}
            onChange={() => askAgain(asked + 1)}
          />
        ))}
      </section>
      <h2>Running</h2>
      <JobTable jobs={lab?.running ?? []} caption="Jobs that run" empty="No job runs." />
      <h2>Waiting</h2>
      <JobTable
        jobs={lab?.waiting ?? []}
        caption="Jobs that wait, in their order"
        empty="No job waits. Try: berth submit -- python3 train.py"
      />
    </>
  );
}

function Numbers({ lab: { devices, running, waiting } }: { lab: Lab }) {
  const { items, driver } = devices;
  const kept = items.filter(({ obstacles }) => obstacles.length > 0).length;
  const held = items.filter(({ holders }) => holders.length > 0).length;
  const sum = (figure: (device: Device) => number | null | undefined): number =>
    items.reduce((total, device) => total + (figure(device) ?? 0), 0);
  return (
    <ul class="numbers">
      <Figure value={`${held} of ${items.length}`} name={`device${items.length === 1 ? '' : 's'} held`} />
      {kept > 0 ? <Figure value={String(kept)} name="kept from jobs" bad /> : null}
      <Figure
        value={`${gibibytes(sum(({ sample }) => sample?.memoryUsedBytes))} of ${gibibytes(sum(({ memoryTotalBytes }) => memoryTotalBytes))}`}
        name="GiB used"
      />
      <Figure value={String(running.length)} name="running" />
      <Figure value={String(waiting.length)} name="waiting" />
      {driver.simulated ? <Figure value="simulated" name="these devices are made up" bad /> : null}
    </ul>
  );
}

function Figure({ value, name, bad }: { value: string; name: string; bad?: boolean }) {
  return (
    <li class={bad ? 'bad' : ''}>
      <strong>{value}</strong> {name}
    </li>
  );
}

/** What was seen of each device since the page was opened. */
function usePasts(devices: readonly Device[], at: number | null): Map<string, Past> {
  const pasts = useRef(new Map<string, Past>());
  const seen = useRef<number | null>(null);
  if (at !== seen.current) {
    seen.current = at;
    for (const { uuid, sample } of devices) {
      const past = pasts.current.get(uuid) ?? { utilisation: [], power: [] };
      past.utilisation = [...past.utilisation, sample?.utilisation ?? null].slice(-DRAWN);
      past.power = [...past.power, sample?.powerWatts ?? null].slice(-DRAWN);
      pasts.current.set(uuid, past);
    }
  }
  return pasts.current;
}
