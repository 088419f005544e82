// The very parser of the queue that gives the ticks: what it does with daylight saving time, and where, cron.test.ts says.
import { CronExpressionParser } from 'cron-parser';

/** What each field may hold, as people need to hear it when theirs does not. */
const FIELDS = [
  ['second', 'a second is 0 to 59'],
  ['minute', 'a minute is 0 to 59'],
  ['hour', 'an hour is 0 to 23'],
  ['day of month', 'a day is 1 to 31, or L for the last'],
  ['month', 'a month is 1 to 12, or jan to dec'],
  ['day of week', 'a day of the week is 0 to 7 (0 and 7 are Sunday), or sun to sat'],
] as const;
const FORMS = 'also a list (1,2), a range (1-5), a step (*/2), or * for each';
const ALIASES: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
};
const MOST_ZONES_NAMED = 3;
const LONGEST_CHANGE_OF_CLOCKS_MS = 3_600_000;

/** @returns what is wrong with a cron expression and what would be right, or null */
export function whyNoCron(cron: string): string | null {
  const fields = cron.trim().split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6) {
    const instead = ALIASES[cron.trim()];
    if (instead) return `'${cron}' is no list of fields; write "${instead}"`;
    const many = cron.trim() === '' ? 'nothing' : `${fields.length} field${fields.length === 1 ? '' : 's'}`;
    return `is ${many}, but takes five: minute, hour, day of month, month, day of week, such as "0 2 * * *"; or six, with a second before them`;
  }
  const wrong = FIELDS.slice(6 - fields.length).flatMap(([name, range], i) => {
    const field = fields[i] as string;
    const alone = fields.map((_, at) => (at === i ? field : '*'));
    return reads(alone) ? [] : [`the field for the ${name} is '${field}', but ${range}`];
  });
  if (wrong.length > 0) return `${wrong.join('; ')} (${FORMS})`;
  try {
    nextTime(cron, 'UTC', Date.now());
    return null;
  } catch {
    return `'${cron}' never comes: there is no such day; for the last day of each month write "0 0 L * *"`;
  }
}

/** @returns what is wrong with the name of a time zone, or null */
export function whyNoTimeZone(name: string): string | null {
  try {
    // An offset has no daylight saving time: who writes one means a place, or doesn't know.
    if (/^[A-Za-z]/.test(name) && new Intl.DateTimeFormat('en', { timeZone: name })) return null;
  } catch {
    // Said below.
  }
  const known = Intl.supportedValuesOf('timeZone');
  const wanted = name.toLowerCase().replaceAll(' ', '_');
  const near = wanted.length < 3 ? [] : known.filter((zone) => zone.toLowerCase().includes(wanted));
  const example = near.length > 0 ? near.slice(0, MOST_ZONES_NAMED).join(' or ') : 'Europe/Berlin';
  return `there is no time zone '${name}'; write an IANA name such as ${example}, or UTC`;
}

/** The time zone of this process; UTC where it has none that has a name. */
export function localTimeZone(): string {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return whyNoTimeZone(timeZone) === null ? timeZone : 'UTC';
}

/**
 * The first time after another.
 * @param after ms since the epoch
 * @returns ms since the epoch
 * @throws Error where there is none
 */
export function nextTime(cron: string, timeZone: string, after: number): number {
  return CronExpressionParser.parse(cron.trim(), { tz: timeZone, currentDate: new Date(after) })
    .next()
    .getTime();
}

/**
 * The last of the times that have come.
 * @param from one that has
 * @param until ms since the epoch, not before `from`
 */
export function latestTime(cron: string, timeZone: string, from: number, until: number): number {
  let latest = from;
  let upcoming = nextTime(cron, timeZone, from);
  if (upcoming > until) return latest;
  // The parser backwards counts the hours of a change of the clocks otherwise than forwards, so the last steps are forwards.
  const back = CronExpressionParser.parse(cron.trim(), { tz: timeZone, currentDate: new Date(until) }).prev();
  upcoming = nextTime(cron, timeZone, Math.max(from, back.getTime() - LONGEST_CHANGE_OF_CLOCKS_MS - 1));
  while (upcoming <= until) {
    latest = upcoming;
    upcoming = nextTime(cron, timeZone, latest);
  }
  return latest;
}

function reads(fields: readonly string[]): boolean {
  // H would be another time at each reading.
  if (fields.some((field) => /^H\b|[,/-]H\b/.test(field))) return false;
  try {
    CronExpressionParser.parse(fields.join(' '));
    return true;
  } catch {
    return false;
  }
}
