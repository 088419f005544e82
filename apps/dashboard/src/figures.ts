import type { Device } from '@berth/contract';
import { formatDuration } from '@berth/contract/quantities';

export const UNKNOWN = '–';

export const gibibytes = (bytes: number | null | undefined): string =>
  bytes == null ? UNKNOWN : (bytes / 2 ** 30).toFixed(bytes < 10 * 2 ** 30 ? 1 : 0);

export const percent = (share: number | null | undefined): string =>
  share == null ? UNKNOWN : `${Math.round(share * 100)} %`;

export const whole = (figure: number | null | undefined, unit: string): string =>
  figure == null ? UNKNOWN : `${Math.round(figure)} ${unit}`;

export const duration = (seconds: number | null): string =>
  seconds === null ? UNKNOWN : formatDuration(Math.max(0, Math.floor(seconds)));

export const since = (from: string): string => duration((Date.now() - Date.parse(from)) / 1000);

// Made once: each holds memory that no garbage collector sees, and a busy page asks for hundreds of times a second.
const SECONDS = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const MINUTES = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const TIME_OF_DAY = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });

export const time = (at: string | null): string => (at === null ? UNKNOWN : SECONDS.format(new Date(at)));

/** What a job is called that who looks may not see. */
export const OTHERS_JOB = "another user's job";

/** How people name a device: `3`, or `0:1` for an instance. */
export const placeOf = ({ index, mig }: Pick<Device, 'index' | 'mig'>): string =>
  mig ? `${index}:${mig.index}` : String(index);

/** A moment of today as a time of day, others with their date. */
export function clock(at: string | number): string {
  const moment = new Date(at);
  const isToday = moment.toDateString() === new Date().toDateString();
  return (isToday ? TIME_OF_DAY : MINUTES).format(moment);
}

/** A moment at the latest, as `clock` has it: the minute that it is over by. */
export const deadline = (at: string | number): string =>
  clock(Math.ceil(new Date(at).getTime() / 60_000) * 60_000);

const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z/g;

/** A sentence of the daemon's, whose times are UTC, with local ones as everywhere else on the page. */
export const inLocalTime = (sentence: string): string => sentence.replace(INSTANT, (at) => clock(at));
