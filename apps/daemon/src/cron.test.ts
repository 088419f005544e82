import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { latestTime, nextTime, whyNoCron, whyNoTimeZone } from './cron.js';

const BERLIN = 'Europe/Berlin';
/** The day on which the clocks there skip from 2 to 3 h (1 h UTC), and the one on which 2 to 3 h come twice (0 and 1 h UTC). */
const SPRING = '2027-03-28';
const AUTUMN = '2027-10-31';

/** The times on a day in UTC, from the evening before on, each found from the one before, as ticks are. */
function timesOn(day: string, cron: string, timeZone = BERLIN): string[] {
  const found: string[] = [];
  let at = Date.parse(`${day}T00:00:00Z`) - 3_600_000;
  for (;;) {
    at = nextTime(cron, timeZone, at);
    const [date, time] = new Date(at).toISOString().slice(0, 16).split('T') as [string, string];
    if (date > day) return found;
    if (date === day) found.push(time);
  }
}

it('is read by the very parser of the queue that gives the ticks', () => {
  const here = createRequire(import.meta.url);
  const atTheQueue = createRequire(here.resolve('bullmq'));
  expect(here.resolve('cron-parser')).toBe(atTheQueue.resolve('cron-parser'));
});

describe('a cron expression', () => {
  it.each([
    '0 2 * * *',
    '  0  2 * * * ',
    '*/15 8-18 * * mon-fri',
    '0 0 29 2 *',
    '0 0 L * *',
    '0 0 * JAN 7',
    '*/1 * * * * *',
    '0 0 31 2 1',
  ])('may be %j', (cron) => expect(whyNoCron(cron)).toBeNull());

  it.each([
    ['', /is nothing, but takes five: minute, hour/],
    ['0 2 * *', /is 4 fields, but takes five/],
    ['0 0 0 0 0 0 0', /is 7 fields/],
    ['@daily', /write "0 0 \* \* \*"/],
    ['@reboot', /is 1 field, but/],
    ['60 2 * * *', /^the field for the minute is '60', but a minute is 0 to 59 \(also a list/],
    ['0 25 * * *', /the hour is '25', but an hour is 0 to 23/],
    ['0 2 0 * *', /the day of month is '0', but a day is 1 to 31/],
    ['0 2 * 13 *', /the month is '13'/],
    ['0 2 * * 8', /the day of week is '8'.*0 and 7 are Sunday/],
    ['61 0 2 * * *', /the second is '61'/],
    ['x 25 * * *', /minute is 'x'.*hour is '25'/],
    ['5-1 * * * *', /the minute is '5-1'/],
    ['*/0 * * * *', /the minute is '\*\/0'/],
    ['1,,2 * * * *', /the minute is '1,,2'/],
    // Would be another minute at each reading.
    ['H 2 * * *', /the minute is 'H'/],
    ['0 0 31 2 *', /never comes: there is no such day/],
    ['0 0 31 4,6 *', /never comes/],
  ])('may not be %j', (cron, says) => expect(whyNoCron(cron)).toMatch(says));
});

describe('a time zone', () => {
  it.each(['Europe/Berlin', 'UTC', 'America/Argentina/Buenos_Aires'])('may be %s', (name) =>
    expect(whyNoTimeZone(name)).toBeNull(),
  );
  it.each([
    ['Berlin', /no time zone 'Berlin'; write an IANA name such as Europe\/Berlin, or UTC/],
    ['Europe/Nowhere', /such as Europe\/Berlin/],
    ['new york', /such as America\/New_York/],
    ['CEST', /no time zone/],
    ['+02:00', /no time zone/],
    ['', /no time zone/],
  ])('may not be %j', (name, says) => expect(whyNoTimeZone(name)).toMatch(says));
});

describe('where the clocks change', () => {
  it('a time that a day leaves out comes one hour later, once', () => {
    expect(timesOn(SPRING, '30 2 * * *')).toEqual(['01:30']);
    expect(timesOn(SPRING, '*/15 2 * * *')).toEqual(['01:00']);
    expect(timesOn(SPRING, '30 2,3 * * *')).toEqual(['01:30']);
  });

  it('a time that a day has twice counts once, the first time', () => {
    expect(timesOn(AUTUMN, '30 2 * * *')).toEqual(['00:30']);
    expect(timesOn(AUTUMN, '*/15 2 * * *')).toEqual(['00:00', '00:15', '00:30', '00:45']);
  });

  it('what comes every hour comes every hour that passes', () => {
    const everyHour = Array.from({ length: 24 }, (_, hour) => `${String(hour).padStart(2, '0')}:00`);
    expect(timesOn(SPRING, '0 * * * *')).toEqual(everyHour);
    expect(timesOn(AUTUMN, '0 * * * *')).toEqual(everyHour);
  });

  it('other zones are none of its business', () => {
    expect(timesOn(SPRING, '30 2 * * *', 'UTC')).toEqual(['02:30']);
    expect(timesOn(SPRING, '30 2 * * *', 'Asia/Kolkata')).toEqual(['21:00']);
  });
});

describe('the latest time', () => {
  it.each(['30 2 * * *', '*/15 2 * * *', '0 * * * *', '30 2,3 * * *', '7,37 */3 * * *'])(
    'of %s is, at any moment around a change of the clocks, the last that came',
    (cron) => {
      for (const day of [SPRING, AUTUMN]) {
        const begin = nextTime(cron, BERLIN, Date.parse(`${day}T00:00:00Z`) - 86_400_000);
        let came = begin;
        for (let now = begin; now < begin + 2.5 * 86_400_000; now += 37 * 60_000) {
          while (nextTime(cron, BERLIN, came) <= now) came = nextTime(cron, BERLIN, came);
          expect(new Date(latestTime(cron, BERLIN, begin, now)).toISOString()).toBe(
            new Date(came).toISOString(),
          );
        }
      }
    },
  );

  it('is found after a year of seconds, without counting them', () => {
    const from = Date.parse('2026-01-01T00:00:00Z');
    const now = Date.parse('2027-01-01T00:00:00.500Z');
    expect(latestTime('* * * * * *', BERLIN, from, now)).toBe(now - 500);
  });
});
