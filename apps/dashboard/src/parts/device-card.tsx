import type { Device, DeviceHistory, Holder } from '@berth/contract';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { deadline, inLocalTime, percent, placeOf, since, whole } from '../figures.js';
import { useAct } from '../live/act.js';
import { useWhyNot } from '../live/me.js';
import { client } from '../live/session.js';
import { focusOnce } from './focus.js';
import { MemoryBar } from './memory-bar.js';
import { Restarts } from './restarts.js';
import { Sparkline } from './sparkline.js';
import { Trouble } from './trouble.js';

interface Shown {
  device: Device;
  past: DeviceHistory | undefined;
  onChange: () => void;
}

export function DeviceCard({ device, past, onChange }: Shown) {
  const { mig, name, health, obstacles, sample, holders } = device;
  const place = placeOf(device);
  const isWell = health.state === 'ok' && obstacles.length === 0;
  const points = past?.points ?? [];
  return (
    <article class={`card device${isWell ? '' : ' unwell'}`} aria-label={`Device ${place}`}>
      <h3>
        <span class="index">{place}</span> {mig?.profile ?? name}
      </h3>
      <MemoryBar device={device} />
      <dl class="figures">
        <Figure name="Load" value={percent(sample?.utilisation)}>
          <Sparkline
            points={points.map(({ utilisation }) => utilisation)}
            most={1}
            label="Load over the last 10 minutes"
          />
        </Figure>
        <Figure name="Power" value={whole(sample?.powerWatts, 'W')}>
          <Sparkline
            points={points.map(({ powerWatts }) => powerWatts)}
            most={device.powerLimitWatts ?? 1000}
            label="Power over the last 10 minutes"
          />
        </Figure>
        <Figure name="Temperature" value={whole(sample?.temperatureCelsius, '°C')} />
      </dl>
      <ul class="holders">
        {holders.length === 0 ? <li class="muted">no job</li> : null}
        {holders.map((holder) => (
          <HeldBy holder={holder} key={holder.job} />
        ))}
      </ul>
      {obstacles.map(({ code, sentence }) => (
        <p class="trouble" key={code}>
          Kept from jobs: {inLocalTime(sentence)}
        </p>
      ))}
      {obstacles.length === 0 && health.sentence ? (
        <p class="trouble">{inLocalTime(health.sentence)}</p>
      ) : null}
      {device.keepsWaiting?.jobs ? <KeptWaiting kept={device.keepsWaiting} /> : null}
      <Restarts of={device.workerRestarts} />
      <Drain device={device} onChange={onChange} />
    </article>
  );
}

/** A GPU that is divided into MIG instances, which are the devices. */
export function DividedCard({
  of: { index, name },
  children,
}: {
  /** The first of its instances. */
  of: Device;
  children: ComponentChildren;
}) {
  return (
    <section class="card device divided" aria-label={`GPU ${index}, divided into MIG instances`}>
      <h3>
        <span class="index">{index}</span> {name.replace(/ MIG .*/, '')}, divided
      </h3>
      {children}
    </section>
  );
}

function HeldBy({ holder: { number, name, user, since: from, latestEnd } }: { holder: Holder }) {
  return (
    <li>
      {number === null ? (
        `a job of ${user}`
      ) : (
        <Link href={`/jobs/${number}`}>
          job {number} {user}:{name}
        </Link>
      )}{' '}
      <span class="muted">
        for {since(from)},{' '}
        {latestEnd === null ? 'no time limit' : `until ${deadline(latestEnd)} at the latest`}
      </span>
    </li>
  );
}

/** Jobs that could use a device, were it not for what keeps jobs away from it. */
export function KeptWaiting({ kept: { jobs, first } }: { kept: NonNullable<Device['keepsWaiting']> }) {
  return (
    <p class="muted">
      {jobs} waiting job{jobs === 1 ? '' : 's'} could use it{first.length > 0 ? ': ' : ''}
      {first.map((number, i) => (
        <>
          {i > 0 ? ', ' : ''}
          <Link href={`/jobs/${number}`}>{number}</Link>
        </>
      ))}
      {first.length > 0 && jobs > first.length ? ' …' : ''}
    </p>
  );
}

function Figure({ name, value, children }: { name: string; value: string; children?: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value} {children}
      </dd>
    </div>
  );
}

function Drain({ device, onChange }: Pick<Shown, 'device' | 'onChange'>) {
  const [reason, setReason] = useState<string | null>(null);
  const { act, error } = useAct(onChange);
  const { devices } = client.value;
  if (useWhyNot()('administer') !== null) return null;
  const isOut = device.obstacles.some(({ endsBy }) => endsBy === 'resume');
  if (reason !== null && !isOut)
    return (
      <form
        class="actions"
        onSubmit={(event) => {
          event.preventDefault();
          setReason(null);
          void act(() => devices.drain(device, { reason: reason.trim() || 'on the dashboard' }))();
        }}
      >
        <label>
          Why{' '}
          <input
            value={reason}
            maxLength={500}
            placeholder="for those who wait for it"
            onInput={({ currentTarget }) => setReason(currentTarget.value)}
            ref={focusOnce}
          />
        </label>
        <button type="submit">Drain</button>
        <button type="button" onClick={() => setReason(null)}>
          Leave it
        </button>
      </form>
    );
  return (
    <p class="actions">
      {isOut ? (
        <button type="button" onClick={act(() => devices.resume(device))}>
          Resume
        </button>
      ) : (
        <button
          type="button"
          title="Jobs on it go on; no others are placed on it"
          onClick={() => setReason('')}
        >
          Drain …
        </button>
      )}
      <Trouble error={error} />
    </p>
  );
}
