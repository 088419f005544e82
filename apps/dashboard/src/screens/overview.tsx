import type { Device, DeviceList, Queue } from '@berth/contract';
import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { gibibytes } from '../figures.js';
import { askDevices, askLine, askPasts } from '../live/lab.js';
import { usePoll } from '../live/poll.js';
import { useTitle } from '../live/title.js';
import { DeviceCard, DividedCard } from '../parts/device-card.js';
import { EndedJobs } from '../parts/ended-jobs.js';
import { ForeignTable } from '../parts/foreign-table.js';
import { Freshness } from '../parts/freshness.js';
import { JobTable, LINE } from '../parts/job-table.js';
import { Restarts } from '../parts/restarts.js';

const EVERY_MS = 1000;
const PAST_EVERY_MS = 10_000;

export function Overview() {
  useTitle('Devices');
  const [asked, askAgain] = useState(0);
  const polled = usePoll(askDevices, EVERY_MS, asked);
  const line = usePoll(askLine, EVERY_MS, asked);
  const devices = polled.data;
  const uuids = devices?.items.map(({ uuid }) => uuid) ?? [];
  const pasts = usePoll((signal) => askPasts(uuids, signal), PAST_EVERY_MS, uuids.join()).data;
  const card = (device: Device) => (
    <DeviceCard
      key={device.uuid}
      device={device}
      past={pasts?.get(device.uuid)}
      onChange={() => askAgain(asked + 1)}
    />
  );
  return (
    <>
      <div class="title">
        <h1>Devices</h1>
        <Freshness polled={polled} />
      </div>
      {devices ? <Numbers devices={devices} queue={line.data} /> : null}
      {devices ? <Problems driver={devices.driver} /> : null}
      {devices ? <Restarts of={devices.daemonRestarts} /> : null}
      {devices ? <Restarts of={devices.redisRestarts} /> : null}
      <section class="devices" aria-label="Devices">
        {boards(devices?.items ?? []).map(([first, ...others]) =>
          first.mig ? (
            <DividedCard key={first.mig.parent} of={first}>
              {[first, ...others].map(card)}
            </DividedCard>
          ) : (
            card(first)
          ),
        )}
      </section>
      {devices ? <ForeignTable devices={devices} /> : null}
      <div class="title">
        <h2>Next in line</h2>
        {line.error && !polled.error ? <Freshness polled={line} /> : null}
      </div>
      {line.data ? (
        <>
          <JobTable
            jobs={line.data.items}
            columns={LINE}
            caption="Jobs that are next in line"
            empty="No job is in line. Try: berth submit -- python3 train.py"
          />
          <p>
            <Link href="/jobs">
              All jobs: {line.data.running} running, {line.data.waiting} waiting
            </Link>
          </p>
          <EndedJobs most={5} />
        </>
      ) : null}
    </>
  );
}

/** Devices by the GPU that they are, or are instances of; in their order. */
function boards(devices: readonly Device[]): [Device, ...Device[]][] {
  const found = new Map<string, [Device, ...Device[]]>();
  for (const device of devices) {
    const board = device.mig?.parent ?? device.uuid;
    const known = found.get(board);
    if (known) known.push(device);
    else found.set(board, [device]);
  }
  return [...found.values()];
}

function Numbers({ devices: { items, driver }, queue }: { devices: DeviceList; queue: Queue | null }) {
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
      {queue ? <Figure value={String(queue.running)} name="running" /> : null}
      {queue ? <Figure value={String(queue.waiting)} name="waiting" /> : null}
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

/** What makes of all that is shown less than it seems. */
function Problems({ driver: { problem, remarks } }: Pick<DeviceList, 'driver'>) {
  return (
    <>
      {problem ? (
        <p class="trouble" role="alert">
          {problem.detail} {problem.hint}
        </p>
      ) : null}
      {remarks.map((remark) => (
        <p class="muted" key={remark}>
          {remark}
        </p>
      ))}
    </>
  );
}
