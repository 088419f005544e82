import type { Device, Timeline } from '@berth/contract';
import { useState } from 'preact/hooks';
import { Link } from 'wouter-preact';
import { OTHERS_JOB, placeOf, time } from '../figures.js';
import { Heads } from './heads.js';
import { Scroll } from './scroll.js';

/** What the chart of the timeline shows, in words. */
export function TimelineTable({
  timeline: { stays, planned },
  items,
}: {
  timeline: Timeline;
  items: readonly Device[];
}) {
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
                  from={`${time(stay.from)}${stay.certain ? ' at the latest' : ' (estimate: a job before it has no time limit)'}`}
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
      <td>{number === null ? '' : <Link href={`/jobs/${number}`}>{number}</Link>}</td>
      <td class="name">{name ?? OTHERS_JOB}</td>
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

/** A device's place; the beginning of the UUID of one that is gone. */
export function nameOf(uuid: string, devices: readonly Device[]): string {
  const device = devices.find((each) => each.uuid === uuid);
  return device ? placeOf(device) : uuid.slice(0, 8);
}
