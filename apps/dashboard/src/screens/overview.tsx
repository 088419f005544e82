import type { Device } from '@berth/contract';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { gibibytes } from '../figures.js';
import { askLab, askPasts, type Lab } from '../live/lab.js';
import { usePoll } from '../live/poll.js';
import { useTitle } from '../live/title.js';
import { DeviceCard, DividedCard } from '../parts/device-card.js';
import { EndedJobs } from '../parts/ended-jobs.js';
import { ForeignTable } from '../parts/foreign-table.js';
import { Freshness } from '../parts/freshness.js';
import { JobTable, LINE } from '../parts/job-table.js';

const EVERY_MS = 1000;
const PAST_EVERY_MS = 10_000;

export function Overview() {
  useTitle('Devices');
  const [asked, askAgain] = useState(0);
  const polled = usePoll(askLab, EVERY_MS, asked);
  const lab = polled.data;
  const uuids = lab?.devices.items.map(({ uuid }) => uuid) ?? [];
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
      {lab ? <Numbers lab={lab} /> : null}
      {lab ? <Problems lab={lab} /> : null}
      <section class="devices" aria-label="Devices">
        {boards(lab?.devices.items ?? []).map(([first, ...others]) =>
          first.mig ? (
            <DividedCard key={first.mig.parent} of={first}>
              {[first, ...others].map(card)}
            </DividedCard>
          ) : (
            card(first)
          ),
        )}
      </section>
      {lab ? (
        <>
          <ForeignTable devices={lab.devices} />
          <h2>Next in line</h2>
          <JobTable
            jobs={lab.queue.items}
            columns={LINE}
            caption="Jobs that are next in line"
            empty="No job is in line. Try: berth submit -- python3 train.py"
          />
          <p>
            <Link href="/jobs">
              All jobs: {lab.queue.running} running, {lab.queue.waiting} waiting
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

function Numbers({ lab: { devices, queue } }: { lab: Lab }) {
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
      <Figure value={String(queue.running)} name="running" />
      <Figure value={String(queue.waiting)} name="waiting" />
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
function Problems({ lab: { devices } }: { lab: Lab }) {
  const { driver, ledgerAgeSeconds } = devices;
  return (
    <>
      {driver.problem ? (
        <Alert>
          {driver.problem.detail} {driver.problem.hint}
        </Alert>
      ) : null}
      {ledgerAgeSeconds === null ? null : (
        <Alert>
          Berth can't ask its ledger now: jobs, drains and obstacles are as of {Math.round(ledgerAgeSeconds)}{' '}
          s ago.
        </Alert>
      )}
      {driver.remarks.map((remark) => (
        <p class="muted" key={remark}>
          {remark}
        </p>
      ))}
    </>
  );
}

function Alert({ children }: { children: ComponentChildren }) {
  return (
    <p class="trouble" role="alert">
      {children}
    </p>
  );
}
