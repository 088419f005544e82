import type { Sharing } from '@berth/contract';
import { expect, it } from 'vitest';
import { rightSizes } from './right-size.js';

const GIB = 2 ** 30;
const shares = (gib: number): Sharing => ({ memoryBytes: gib * GIB, slots: null, proposedFrom: null });
const had = (peakGib: number | null, job: { sharing?: Sharing; gpus?: number } = {}): string[] =>
  rightSizes(
    { sharing: null, constraints: null, gpus: 1, ...job },
    {
      devices: [
        {
          device: 'a',
          index: 3,
          peakMemoryBytes: peakGib === null ? null : peakGib * GIB,
          stepSeconds: 1,
          points: [],
        },
      ],
    },
    [{ uuid: 'a', memoryTotalBytes: 80 * GIB }],
  );

it.each([
  [
    'a share that was too large',
    had(11, { sharing: shares(40) }),
    'It asked for 40 GiB of device 3 and used 11 GiB at the most. --share-memory 14GiB would leave the rest to others.',
  ],
  [
    'a slot that fitted',
    had(16, { sharing: { memoryBytes: null, slots: 4, proposedFrom: null } }),
    'It asked for 20 GiB of device 3 and used 16 GiB at the most.',
  ],
  [
    'a whole device that was hardly used',
    had(11),
    'It had device 3 (80 GiB) to itself and used 11 GiB at the most. --share-memory 14GiB would leave the rest to others.',
  ],
  ['a device that was needed', had(70), 'It had device 3 (80 GiB) to itself and used 70 GiB at the most.'],
  [
    'a gang, whose devices are not to be shared',
    had(11, { gpus: 2 }),
    'It had device 3 (80 GiB) to itself and used 11 GiB at the most.',
  ],
])('says of %s what it came to', (_, said, sentence) => {
  expect(said).toEqual([sentence]);
});

it('says nothing where the peak is not known, or nothing was used', () => {
  expect([...had(null), ...had(0)]).toEqual([]);
});
