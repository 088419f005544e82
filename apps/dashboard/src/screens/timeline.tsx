import type { DeviceList, Timeline } from '@berth/contract';
import { useSearchParams } from 'wouter-preact';
import { time } from '../figures.js';
import { usePoll } from '../live/poll.js';
import { client } from '../live/session.js';
import {
  closer,
  LENGTHS,
  moved,
  parametersOf,
  type TimelineWindow,
  windowOf,
} from '../live/timeline-window.js';
import { useTitle } from '../live/title.js';
import { Freshness } from '../parts/freshness.js';
import { TimelineChart } from '../parts/timeline-chart.js';
import { plannedWithin, stretchOf } from '../parts/timeline-layout.js';
import { TimelineTable } from '../parts/timeline-table.js';

const EVERY_MS = 5000;
/** What is past changes no more, but is forgotten one day. */
const PAST_EVERY_MS = 60_000;
/** The most stays that the API gives. */
const MOST_STAYS = 2000;

/** Which jobs had which devices, have them, and are planned to get them. The window stands in the address. */
export function TimelineScreen() {
  useTitle('Timeline');
  const [parameters, setParameters] = useSearchParams();
  const window = windowOf(parameters, Date.now());
  const show = (next: Pick<TimelineWindow, 'length' | 'until'>): void =>
    setParameters(parametersOf(next), { replace: true });
  const { length, lengthMs, until } = window;
  const polled = usePoll(
    async (signal) => {
      const past =
        until === null
          ? { since: `${lengthMs / 1000}s` }
          : { since: iso(until - lengthMs), until: iso(until) };
      const [devices, timeline] = await Promise.all([
        client.value.devices.list({ signal }),
        client.value.timeline({ ...past, limit: MOST_STAYS, signal }),
      ]);
      return { devices, timeline, window };
    },
    until === null ? EVERY_MS : PAST_EVERY_MS,
    JSON.stringify(window),
  );
  return (
    <>
      <div class="title">
        <h1>Timeline</h1>
        <Freshness polled={polled} />
      </div>
      <div class="filters">
        <fieldset class="filters windows">
          <legend class="hidden">How much of it</legend>
          {Object.keys(LENGTHS).map((each) => (
            <label key={each}>
              <input
                type="radio"
                name="window"
                checked={each === length}
                onChange={() => show({ length: each, until })}
              />{' '}
              {each}
            </label>
          ))}
        </fieldset>
        <span class="actions">
          <button type="button" aria-keyshortcuts="h" onClick={() => show(moved(window, -1, Date.now()))}>
            Earlier
          </button>
          <button type="button" aria-keyshortcuts="l" onClick={() => show(moved(window, 1, Date.now()))}>
            Later
          </button>
          <button type="button" aria-keyshortcuts="n" onClick={() => show({ length, until: null })}>
            Now
          </button>
        </span>
        {until === null ? null : (
          <span class="muted">
            {time(iso(until - lengthMs))} to {time(iso(until))}
          </span>
        )}
      </div>
      {polled.data ? <Shown {...polled.data} onChoice={show} /> : null}
    </>
  );
}

function Shown({
  devices: { items },
  timeline,
  window: { lengthMs, until },
  onChoice,
}: {
  devices: DeviceList;
  timeline: Timeline;
  window: TimelineWindow;
  onChoice: (window: Pick<TimelineWindow, 'length' | 'until'>) => void;
}) {
  const stretch = stretchOf(timeline, lengthMs, until === null ? undefined : Date.now());
  const isCut = Date.parse(timeline.since) > stretch.from + 1000;
  const { planned, waiting } = timeline;
  const shown = plannedWithin(timeline, stretch);
  const later = planned.length - shown;
  return (
    <>
      {isCut ? (
        <p class="trouble">Before {time(timeline.since)} some are missing: there are too many to show.</p>
      ) : null}
      <TimelineChart
        timeline={timeline}
        items={items}
        stretch={stretch}
        onChoice={(from, to) => {
          const chosen = closer(from, to, stretch.now);
          if (chosen) onChoice(chosen);
        }}
      />
      <p class="muted">
        Drag over a part of it to see that closer.{' '}
        {until !== null
          ? ''
          : waiting === 0
            ? 'No job waits.'
            : `${shown} of ${waiting} waiting jobs have their place here${later > 0 ? `, ${later} later than is shown` : ''}. It is the plan of this moment: it changes with every job that comes, or ends before its time limit.`}
      </p>
      <TimelineTable timeline={timeline} items={items} />
    </>
  );
}

const iso = (at: number): string => new Date(at).toISOString();
