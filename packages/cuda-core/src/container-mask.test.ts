import { expect, it } from 'vitest';
import { readContainerMask } from './container-mask.js';
import { DIVIDED, UUIDS } from './mask-cases.test-support.js';

const devices = UUIDS.map((uuid, index) => ({ uuid, index }));

const CASES: [value: string | undefined, left: number[] | null, why: string][] = [
  [undefined, null, 'unset'],
  ['', null, 'empty: no container of GPUs'],
  ['void', null, 'the same, said aloud'],
  ['all', null, 'all'],
  ['none', [], 'none'],
  ['1,3', [1, 3], 'indexes of a host that shows more'],
  ['3,1', [1, 3], 'the order is no order of devices'],
  ['7', [], 'one that is not there'],
  ['0,1,2,3', null, 'as many as there are: already applied'],
  ['4,5,6,7', null, "the host's indexes, already applied and numbered anew"],
  [UUIDS[2], [2], 'a UUID'],
  [`${UUIDS[2]}, ${UUIDS[0]}`, [0, 2], 'UUIDs'],
  ['nonsense', [], 'nonsense names nothing'],
];

it.each(CASES)('%j leaves %j: %s', (value, left) => {
  const read = readContainerMask(value, devices);
  expect(read?.map(({ index }) => index) ?? null).toEqual(left);
});

it('knows MIG instances by UUID, by place and by their GPU', () => {
  const left = (value: string): number[] | undefined =>
    readContainerMask(value, DIVIDED)?.map((device) => DIVIDED.findIndex(({ uuid }) => uuid === device.uuid));
  expect(left(DIVIDED[1]?.uuid as string)).toEqual([1]);
  expect(left('0:2')).toEqual([2]);
  expect(left('0')).toEqual([0, 1, 2]);
  expect(left('2:0,1')).toEqual([3, 4]);
  expect(left('GPU-aaaa0000-0000-4000-8000-000000000000')).toEqual([0, 1, 2]);
});
