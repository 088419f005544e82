import type { Device, DeviceList, Timeline } from '@berth/contract';
import { useState } from 'preact/hooks';
import { Link, useSearchParams } from 'wouter-preact';
import { placeOf, time } from '../figures.js';
import { usePoll } from '../live/poll.js';
import { client } from '../live/session.js';
import { Freshness } from '../parts/freshness.js';
import { Heads } from '../parts/heads.js';
import { Scroll } from '../parts/scroll.js';
import { type Bar, hueOf, rowsOf, type Stretch, stretchOf, ticksOf } from '../parts/timeline-layout.js';

const EVERY_MS = 5000;
const HOUR_MS = 3_600_000;
const WINDOWS: Record<string, number> = { '1h': 1, '6h': 6, '24h': 24, '7d': 168 };
const FIRST_WINDOW = '6h';
/** The most stays that the API gives. */
const MOST_STAYS = 2000;
const MOST_TICKS = 5;

const WORDS: Record<Bar['kind'], string> = {
  over: 'ended',
  failed: 'ended badly, or was stopped',
  running: 'has it',
  latest: 'may have it until its time limit',
  planned: 'planned',
  estimate: 'planned, an estimate',
};

/** Which jobs had which devices, have them, and are planned to get them. */
export function TimelineScreen() {
  const [search, setSearch] = useSearchParams();
  const asked = search.get('window') ?? FIRST_WINDOW;
  const shown = Object.hasOwn(WINDOWS, asked) ? asked : FIRST_WINDOW;
  const polled = usePoll(
    async (signal) => {
      const [devices, timeline] = await Promise.all([
        client.value.devices.list({ signal }),
        client.value.timeline({ since: shown, limit: MOST_STAYS, signal }),
      ]);
      return { devices, timeline };
    },
    EVERY_MS,
    shown,
  );
  return (
    <>
      <div class="title">
        <h1>Timeline</h1>
        <Freshness polled={polled} />
      </div>
      <fieldset class="filters windows">
        <legend class="hidden">How far back</legend>
        {Object.keys(WINDOWS).map((each) => (
          <label key={each}>
            <input
              type="radio"
              name="window"
              checked={each === shown}
              onChange={() => setSearch({ window: each }, { replace: true })}
            />{' '}
            {each}
          </label>
        ))}
      </fieldset>
      {polled.data ? <Chart {...polled.data} pastMs={(WINDOWS[shown] as number) * HOUR_MS} /> : null}
    </>
  );
}

function Chart({
  devices: { items },
  timeline,
  pastMs,
}: {
  devices: DeviceList;
  timeline: Timeline;
  pastMs: number;
}) {
  const stretch = stretchOf(timeline, pastMs);
  const uuids = items.map(({ uuid }) => uuid);
  const isCut = Date.parse(timeline.since) > stretch.from + 60_000;
  const { planned, waiting } = timeline;
  return (
    <>
      {isCut ? (
        <p class="trouble">
          Before {time(timeline.since)} some are missing: these are the last {MOST_STAYS}.
        </p>
      ) : null}
      {/* The table below says the same in words; the chart would be hundreds of stops for the keyboard. */}
      <div class="timeline card" aria-hidden="true">
        <Axis stretch={stretch} />
        {rowsOf(timeline, uuids, stretch).map(({ device, lanes, bars }) => (
          <div class="track" key={device}>
            <span class="index" title={device}>
              {nameOf(device, items)}
            </span>
            <div class="bars" style={{ height: `${lanes * 24}px` }}>
              {bars.map((bar) => (
                <BarView key={bar.key} bar={bar} />
              ))}
              <i class="now" style={{ left: `${percentOf(stretch.now, stretch)}%` }} />
            </div>
          </div>
        ))}
        <p class="legend">
          {(Object.keys(WORDS) as Bar['kind'][]).map((kind) => (
            <span key={kind}>
              <i class={`stay ${kind}`} /> {WORDS[kind]}{' '}
            </span>
          ))}
        </p>
      </div>
      <p class="muted">
        {waiting === 0
          ? 'No job waits.'
          : `${planned.length} of ${waiting} waiting jobs have their place here. It is the plan of this moment: it changes with every job that comes, or ends before its time limit.`}
      </p>
      <Table timeline={timeline} items={items} />
    </>
  );
}

function Axis({ stretch }: { stretch: Stretch }) {
  const days = stretch.to - stretch.from > 36 * HOUR_MS;
  const label = (at: number): string =>
    new Date(at).toLocaleString(
      undefined,
      days ? { month: 'short', day: 'numeric' } : { hour: '2-digit', minute: '2-digit' },
    );
  return (
    <div class="track axis">
      <span class="index" />
      <div class="bars">
        {ticksOf(stretch, MOST_TICKS).map((at) => (
          <span key={at} style={{ left: `${percentOf(at, stretch)}%` }}>
            {label(at)}
          </span>
        ))}
      </div>
    </div>
  );
}

function BarView({ bar: { kind, lane, left, width, number, name, user } }: { bar: Bar }) {
  return (
    <Link
      href={`/jobs/${number}`}
      tabIndex={-1}
      class={`stay ${kind}`}
      title={`job ${number}, ${name}, ${user}: ${WORDS[kind]}`}
      style={{
        left: `${left * 100}%`,
        width: `${width * 100}%`,
        top: `${lane * 24}px`,
        '--hue': String(hueOf(user)),
      }}
    >
      {kind === 'latest' ? '' : `${number} ${name}`}
    </Link>
  );
}

function Table({ timeline: { stays, planned }, items }: { timeline: Timeline; items: readonly Device[] }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>The same as a table</summary>
      {isOpen ? (
        <Scroll label="Who had, has and will have devices">
          <table>
            <Heads names={['Job', 'Name', 'User', 'Devices', 'From', 'Until']} />
            <tbody>
              {planned.map((stay) => (
                <StayRow
                  key={stay.job}
                  stay={stay}
                  items={items}
                  from={`${time(stay.from)}${stay.certain ? ' at the latest' : ' (estimate)'}`}
                  until={`planned, to ${time(stay.until)}`}
                />
              ))}
              {stays.map((stay) => (
                <StayRow
                  key={`${stay.job} ${stay.attempt}`}
                  stay={stay}
                  items={items}
                  from={time(stay.from)}
                  until={untilOf(stay)}
                />
              ))}
            </tbody>
          </table>
        </Scroll>
      ) : null}
    </details>
  );
}

function StayRow({
  stay: { number, name, user, devices },
  items,
  from,
  until,
}: {
  stay: Pick<Timeline['stays'][number], 'number' | 'name' | 'user' | 'devices'>;
  items: readonly Device[];
  from: string;
  until: string;
}) {
  return (
    <tr>
      <td>
        <Link href={`/jobs/${number}`}>{number}</Link>
      </td>
      <td>{name}</td>
      <td>{user}</td>
      <td>{devices.map((uuid) => nameOf(uuid, items)).join(', ')}</td>
      <td>{from}</td>
      <td>{until}</td>
    </tr>
  );
}

function untilOf({ until, latestEnd, cause }: Timeline['stays'][number]): string {
  if (until !== null) return `${time(until)}${cause ? ` (${cause.replaceAll('_', ' ')})` : ''}`;
  return latestEnd === null ? 'now, without a time limit' : `now, and ${time(latestEnd)} at the latest`;
}

const percentOf = (at: number, { from, to }: Stretch): number => ((at - from) / (to - from)) * 100;

/** Its place; the beginning of the UUID of one that is gone. */
function nameOf(uuid: string, devices: readonly Device[]): string {
  const device = devices.find((each) => each.uuid === uuid);
  return device ? placeOf(device) : uuid.slice(0, 8);
}
