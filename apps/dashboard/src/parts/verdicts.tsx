import type { Explanation } from '@berth/contract';
import { inLocalTime } from '../figures.js';

/** What a job may expect of each device, and why. */
export function Verdicts({ devices }: Pick<Explanation, 'devices'>) {
  return (
    <ul class="verdicts">
      {devices.map(({ uuid, index, verdict, why }) => (
        <li key={uuid}>
          <span class="index">{index}</span> <strong>{verdict}</strong> {inLocalTime(why)}
        </li>
      ))}
    </ul>
  );
}
