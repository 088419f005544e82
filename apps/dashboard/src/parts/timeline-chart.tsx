import type { Device, Timeline } from '@berth/contract';
import { Link } from 'wouter-preact';
import { OTHERS_JOB } from '../figures.js';
import { useDrag } from './timeline-drag.js';
import { type Bar, hueOf, rowsOf, type Stretch, ticksOf } from './timeline-layout.js';
import { nameOf } from './timeline-table.js';

const HOUR_MS = 3_600_000;
const MOST_TICKS = 5;

const WORDS: Record<Bar['kind'], string> = {
  over: 'ended',
  failed: 'ended badly, or was stopped',
  running: 'has it',
  latest: 'may have it until its time limit',
  planned: 'planned',
  estimate: 'planned, an estimate',
};

/**
 * A row for each device, with a bar for each stay. For eyes and mice alone: the table says the same, and this would be hundreds of
 * stops for a keyboard.
 */
export function TimelineChart({
  timeline,
  items,
  stretch,
  onChoice,
}: {
  timeline: Timeline;
  items: readonly Device[];
  stretch: Stretch;
  /** Somebody dragged over a part of it; ms since the epoch. */
  onChoice: (from: number, to: number) => void;
}) {
  const { from, now, to } = stretch;
  const at = (share: number): number => from + share * (to - from);
  const { chosen, handlers } = useDrag((begin, end) => onChoice(at(begin), at(end)));
  const uuids = items.map(({ uuid }) => uuid);
  return (
    <div class="timeline card" aria-hidden="true" {...handlers}>
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
            {now <= to ? <i class="now" style={{ left: `${percentOf(now, stretch)}%` }} /> : null}
            {chosen ? (
              <i
                class="chosen"
                style={{ left: `${chosen.from * 100}%`, width: `${(chosen.to - chosen.from) * 100}%` }}
              />
            ) : null}
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
  const look = {
    class: `stay ${kind}`,
    style: {
      left: `${left * 100}%`,
      width: `${width * 100}%`,
      top: `${lane * 24}px`,
      '--hue': String(hueOf(user)),
    },
  };
  if (number === null)
    return (
      <span {...look} title={`${OTHERS_JOB}, ${user}: ${WORDS[kind]}`}>
        {kind === 'latest' ? '' : OTHERS_JOB}
      </span>
    );
  return (
    <Link
      {...look}
      href={`/jobs/${number}`}
      tabIndex={-1}
      draggable={false}
      title={`job ${number}, ${name}, ${user}: ${WORDS[kind]}`}
    >
      {kind === 'latest' ? '' : `${number} ${name}`}
    </Link>
  );
}

const percentOf = (at: number, { from, to }: Stretch): number => ((at - from) / (to - from)) * 100;
