import type { HangPolicy } from '@berth/contract';
import { describe, expect, it } from 'vitest';
import { type Sight, suspicionOf, type Vigil, watched } from './hang-judgement.js';

const WARN: HangPolicy = { after: 60, action: 'warn' };
const KILL: HangPolicy = { after: 60, action: 'kill' };

/** A job that is seen each second for so long: what is suspected in the end, and whether it may be ended. */
function seen(
  seconds: number,
  look: (second: number) => Partial<Sight>,
  policy: HangPolicy = WARN,
): { quiet: number; load: string; end: boolean } | null {
  let vigil: Vigil | null = null;
  let last: Sight | null = null;
  for (let second = 0; second <= seconds; second += 1) {
    const still = { traces: '', utilisation: [1], checkpointAge: null, endedRank: null };
    last = { at: 5000 + second * 1000, ...still, ...look(second) };
    vigil = watched(vigil, last);
  }
  const found = suspicionOf(vigil as Vigil, last as Sight, policy);
  return found && { quiet: found.quietSeconds, load: found.load, end: found.end };
}

describe('a job that writes nothing', () => {
  it.each<[string, (second: number) => Partial<Sight>, string | null]>([
    ['while its device is busy all the time', () => ({}), 'busy'],
    ['while its device idles all the time', () => ({ utilisation: [0] }), 'idle'],
    ['while one device spins and another waits', () => ({ utilisation: [1, 0] }), 'busy'],
    ['but whose device is half busy', () => ({ utilisation: [0.5] }), null],
    ['but of whose devices one is half busy', () => ({ utilisation: [1, 0.5] }), null],
    ['but whose device is busy only now and then', (s) => ({ utilisation: [s % 20 === 0 ? 0.97 : 1] }), null],
    [
      'but whose device goes from busy to idle and back',
      (s) => ({ utilisation: [s % 40 < 20 ? 1 : 0] }),
      null,
    ],
    ['on devices of which nothing is known', () => ({ utilisation: [null] }), null],
    ['on no device that is its own', () => ({ utilisation: [] }), null],
  ])('%s', (_, look, expected) => {
    expect(seen(60, look)?.load ?? null).toBe(expected);
  });

  it('is left alone until its limit is reached, and where nobody wants to know', () => {
    expect(seen(59, () => ({}))).toBeNull();
    expect(seen(60, () => ({}))).toEqual({ quiet: 60, load: 'busy', end: false });
    expect(seen(60, () => ({}), KILL)?.end).toBe(true);
    expect(seen(600, () => ({}), { after: 60, action: 'ignore' })).toBeNull();
  });

  it('was not watched while nobody looked', () => {
    expect(seen(60, (s) => (s === 60 ? { at: 5000 + 95_000 } : {}))).toBeNull();
  });
});

it('a job that writes lives: output, metrics, checkpoints', () => {
  expect(seen(90, (s) => ({ traces: s >= 40 ? 'more' : 'some' }))).toBeNull();
  expect(seen(101, (s) => ({ traces: s >= 40 ? 'more' : 'some' }))?.quiet).toBe(61);
  // Written at second 40.
  expect(seen(90, (s) => ({ checkpointAge: s < 40 ? null : (s - 40) * 1000 }))).toBeNull();
  expect(seen(101, (s) => ({ checkpointAge: s < 40 ? null : (s - 40) * 1000 }))?.quiet).toBe(61);
  expect(seen(60, () => ({ checkpointAge: 86_400_000 }))?.quiet).toBe(60);
});

describe('a job of which one rank has ended', () => {
  it('is suspected within seconds where the others spin, and may be ended', () => {
    const look = (s: number) => ({ endedRank: s > 20 ? 1 : null });
    expect(seen(20, look, KILL)).toBeNull();
    expect(seen(31, look, KILL)).toEqual({ quiet: 31, load: 'busy', end: true });
    expect(seen(31, look, WARN)?.end).toBe(false);
  });

  it('has more time where a device idles, for that may be the last checkpoint, and is ended only at its limit', () => {
    const long = { ...KILL, after: 600 };
    const look = () => ({ endedRank: 1, utilisation: [0] });
    expect(seen(59, look, long)).toBeNull();
    expect(seen(60, look, long)).toEqual({ quiet: 60, load: 'idle', end: false });
    expect(seen(600, look, long)?.end).toBe(true);
  });
});
