import { describe, expect, it } from 'vitest';
import { job } from '../../../../tests/support/sample-job.js';
import { cursorOf, filtered, press, START, type TopState } from './model.js';

const jobs = [
  job({ id: 'job_a', number: 1, name: 'resnet', state: 'running' }),
  job({ id: 'job_b', number: 2, name: 'bert', user: 'bob' }),
  job({ id: 'job_c', number: 3, name: 'bert-large' }),
];

/** What a row of keys makes of it. */
function after(keys: string[], from: TopState = START) {
  return keys.reduce((before, key) => press(before.state, key, jobs), {
    state: from,
    wish: null,
  } as ReturnType<typeof press>);
}

describe('the cursor', () => {
  it.each([
    [['j'], 1],
    [['j', 'j', 'j', 'j'], 2],
    [['\x1b[B', '\x1b[A', 'k'], 0],
    [['G', '\x1b[5~'], 0],
    [[' '], 2],
  ])('is moved by %j to %i', (keys, place) => {
    expect(cursorOf(jobs, after(keys).state)).toBe(place);
  });

  it('stays on its job when others come and go, and goes to the top with its job', () => {
    const { state } = after(['j', 'j']);
    expect(cursorOf(jobs.slice(1), state)).toBe(1);
    expect(cursorOf(jobs.slice(0, 2), state)).toBe(0);
    expect(press(state, 'j', []).state.selected).toBeNull();
  });
});

describe('a wish', () => {
  it.each([
    [['q'], { kind: 'quit' }],
    [['\x03'], { kind: 'quit' }],
    [['/', '\x03'], { kind: 'quit' }],
    [['j', '\r'], { kind: 'open', verb: 'show', job: jobs[1] }],
    [['l'], { kind: 'open', verb: 'logs', job: jobs[0] }],
    [['c'], null],
    [['c', 'n'], null],
    [['c', '\r'], null],
    [['c', 'y'], { kind: 'cancel', job: jobs[0] }],
    [['/', 'q'], null],
  ])('by %j is %o', (keys, wish) => {
    expect(after(keys).wish).toEqual(wish);
  });
});

describe('the filter', () => {
  it('is typed, kept by Enter and dropped by Escape', () => {
    const { state } = after(['/', 'b', 'e', 'x', '\x7f', 'r', '\r']);
    expect([state.filter, state.mode.kind]).toEqual(['ber', 'list']);
    expect(filtered(jobs, state.filter).map(({ number }) => number)).toEqual([2, 3]);
    expect(after(['j', '\r'], state).wish).toMatchObject({ job: jobs[2] });
    expect(after(['\x1b'], state).state.filter).toBe('');
  });

  it('looks at number, user and state, too', () => {
    expect(filtered(jobs, 'BOB')).toEqual([jobs[1]]);
    expect(filtered(jobs, 'running')).toEqual([jobs[0]]);
    expect(filtered(jobs, '3 ')).toEqual([jobs[2]]);
  });
});
