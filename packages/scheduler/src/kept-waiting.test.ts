import { describe, expect, it } from 'vitest';
import { keptWaiting } from './kept-waiting.js';
import { host } from './scheduler-builder.test-support.js';

describe('a device with an obstacle', () => {
  it('keeps those in line waiting that could use it, and nobody else', () => {
    const builder = host(2)
      .obstructed(0, 'foreign_use', 'process 7 has 40 GiB on it')
      .running(1, [1])
      .pending(2, { mask: [0] })
      .pending(3, { mask: [1] })
      .pending(4, { gpus: 2 });
    for (let number = 5; number < 25; number += 1) builder.pending(number);
    expect([...keptWaiting(builder.state)]).toEqual([['host-0', { count: 22, first: [2, 4, 5, 6, 7] }]]);
  });

  it('is the only kind of device that is listed', () => {
    expect(keptWaiting(host(1).running(1, [0]).pending(2).state).size).toBe(0);
  });
});
