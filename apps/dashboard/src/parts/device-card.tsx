import type { Device } from '@berth/contract';
import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { percent, placeOf, since, whole } from '../figures.js';
import { client } from '../live/session.js';
import { MemoryBar } from './memory-bar.js';
import { Sparkline } from './sparkline.js';

/** What of a device's past is drawn. */
export interface Past {
  utilisation: (number | null)[];
  power: (number | null)[];
}

export function DeviceCard({ device, past, onChange }: { device: Device; past: Past; onChange: () => void }) {
  const { mig, name, health, obstacles, sample, holders } = device;
  const place = placeOf(device);
  const isWell = health.state === 'ok' && obstacles.length === 0;
  return (
    <article class={`card device${isWell ? '' : ' unwell'}`} aria-label={`Device ${place}`}>
      <h3>
        <span class="index">{place}</span> {name}
        {mig?.profile ? <span class="muted"> {mig.profile}</span> : null}
      </h3>
      <MemoryBar device={device} />
      <dl class="figures">
        <Figure name="Load" value={percent(sample?.utilisation)}>
          <Sparkline points={past.utilisation} most={1} label="Load over the last minutes" />
        </Figure>
        <Figure name="Power" value={whole(sample?.powerWatts, 'W')}>
          <Sparkline
            points={past.power}
            most={device.powerLimitWatts ?? 1000}
            label="Power over the last minutes"
          />
        </Figure>
        <Figure name="Temperature" value={whole(sample?.temperatureCelsius, '°C')} />
      </dl>
      <ul class="holders">
        {holders.length === 0 ? <li class="muted">no job</li> : null}
        {holders.map(({ job, number, name: called, user, since: from }) => (
          <li key={job}>
            <Link href={`/jobs/${number}`}>
              job {number} {user}:{called}
            </Link>{' '}
            <span class="muted">for {since(from)}</span>
          </li>
        ))}
      </ul>
      {obstacles.map(({ code, sentence }) => (
        <p class="trouble" key={code}>
          Kept from jobs: {sentence}
        </p>
      ))}
      {obstacles.length === 0 && health.sentence ? <p class="trouble">{health.sentence}</p> : null}
      <Drain device={device} onChange={onChange} />
    </article>
  );
}

function Figure({
  name,
  value,
  children,
}: {
  name: string;
  value: string;
  children?: preact.ComponentChildren;
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value} {children}
      </dd>
    </div>
  );
}

function Drain({ device, onChange }: { device: Device; onChange: () => void }) {
  const [error, setError] = useState<string | null>(null);
  const isOut = device.obstacles.some(({ endsBy }) => endsBy === 'resume');
  const act = async (): Promise<void> => {
    try {
      const { devices } = client.value;
      if (isOut) await devices.resume(device);
      else await devices.drain(device, { reason: 'on the dashboard' });
      setError(null);
      onChange();
    } catch (failed) {
      setError((failed as Error).message);
    }
  };
  return (
    <p class="actions">
      <button type="button" class="quiet" onClick={act}>
        {isOut ? 'Resume' : 'Drain'}
      </button>
      {error ? (
        <span role="alert" class="trouble">
          {error}
        </span>
      ) : null}
    </p>
  );
}
