import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRequest, readMask } from './mask.js';

const UUIDS = [
  'GPU-3f1c8a52-9d07-4e6b-8f3a-5b21c6d7e890',
  'GPU-3f1caa00-1111-4222-8333-444455556666',
  'GPU-b8d2e1f0-0000-4000-8000-0123456789ab',
  'GPU-c0ffee00-1234-4321-9876-fedcba987654',
];
const devices = UUIDS.map((uuid, index) => ({ uuid, index, name: 'T4' }));
const indexes = (uuids: readonly string[]): number[] => uuids.map((uuid) => UUIDS.indexOf(uuid));

/** mask, the devices that CUDA shows, the position at which it stops */
const AS_CUDA: [mask: string | undefined, visible: number[], stops: number | null][] = [
  [undefined, [0, 1, 2, 3], null],
  ['', [], null],
  ['0', [0], null],
  ['3', [3], null],
  ['1,0', [1, 0], null],
  ['3,2,1,0', [3, 2, 1, 0], null],
  [' 1 , 2 ', [1, 2], null],
  ['\t1', [1], null],
  ['01', [1], null],
  ['00', [0], null],
  ['+1', [1], null],
  ['1gpu2,2ampere', [1, 2], null],
  ['0x1', [0], null],
  ['1.9', [1], null],
  ['2;3', [2], null],
  ['1 2', [1], null],
  ['-1', [], 1],
  ['0,-1,1', [0], 2],
  ['-0', [], 1],
  ['4', [], 1],
  ['0,4,1', [0], 2],
  ['99999999999999999999', [], 1],
  ['all', [], 1],
  ['none', [], 1],
  ['NoDevFiles', [], 1],
  ['gpu1', [], 1],
  ['cuda:1', [], 1],
  [',', [], 1],
  [',1', [], 1],
  ['1,', [1], 2],
  ['1,,2', [1], 2],
  ['+', [], 1],
  ['1,1', [], 2],
  ['0,1,0', [], 3],
  ['1,01', [], 2],
  ['0,5,0', [0], 2],
  [UUIDS[2], [2], null],
  ['GPU-b8d2', [2], null],
  ['GPU-b', [2], null],
  ['GPU-c0,GPU-b8', [3, 2], null],
  ['GPU-3f1c', [], 1],
  ['GPU-3f1c8', [0], null],
  ['GPU-b,GPU-3f1c', [2], 2],
  ['GPU-', [], 1],
  ['GPU-B8D2', [], 1],
  ['gpu-b8d2', [], 1],
  ['GPU-ffff', [], 1],
  ['GPU-b8,GPU-b8d2', [], 2],
  [`${UUIDS[2]}0`, [], 1],
  ['GPU-b8,1', [2], 2],
  ['1,GPU-b8', [1], 2],
  ['MIG-3f1c8a52-9d07-4e6b-8f3a-5b21c6d7e890', [], 1],
  ['MIG-GPU-b8d2e1f0-0000-4000-8000-0123456789ab/1/0', [], 1],
  ['0\u00a0', [0], null],
  ['\u0661', [], 1],
  ['1\u2082', [1], null],
  ['0,😀', [0], 2],
];

describe('as CUDA reads it', () => {
  it.each(AS_CUDA)('%j leaves %j visible', (mask, visible, stops) => {
    const read = readMask(mask, devices);
    expect(indexes(read.uuids)).toEqual(visible);
    expect(read.ignored?.position ?? null).toBe(stops);
  });

  it('shows nothing twice and nothing that is not there, whatever the mask', () => {
    fc.assert(
      fc.property(fc.string(), (mask) => {
        const { uuids } = readMask(mask, devices);
        expect(new Set(uuids).size).toBe(uuids.length);
        for (const uuid of uuids) expect(UUIDS).toContain(uuid);
      }),
    );
  });
});

/** mask, the devices that it asks for in order */
const GOOD_REQUESTS: [mask: string, asked: number[]][] = [
  ['0', [0]],
  ['3,1', [3, 1]],
  ['cuda:2', [2]],
  ['cuda:1,cuda:0', [1, 0]],
  [' 1 , 2 ', [1, 2]],
  ['01', [1]],
  ['GPU-b8', [2]],
  ['GPU-b8,1,cuda:0', [2, 1, 0]],
  ['0,1,2,3', [0, 1, 2, 3]],
];

/** mask, the positions of its problems, what one of them says */
const BAD_REQUESTS: [mask: string, positions: number[], says: RegExp][] = [
  ['', [1], /is empty.*leave devices out/],
  ['7', [1], /there is no device 7.*CUDA would show the job nothing.*there are 0 \(T4, GPU-3f1c8a52/],
  ['1,', [2], /is empty/],
  ['1,1', [2], /device of entry 1 again; CUDA would show the job no device at all/],
  ['2,GPU-b8', [2], /again/],
  ['-1', [1], /neither an index/],
  ['1gpu', [1], /CUDA would read it as 1/],
  ['0x1', [1], /CUDA would read it as 0/],
  ['+1', [1], /CUDA would read it as 1/],
  ['1 2', [1], /CUDA would read it as 1/],
  ['all', [1], /show the job nothing/],
  ['cuda', [1], /neither/],
  ['cuda:', [1], /neither/],
  ['cuda:9', [1], /no device 9/],
  ['GPU-3f1c', [1], /2 devices have UUIDs that begin so/],
  ['GPU-B8', [1], /no device has this UUID/],
  ['7,0,8', [1, 3], /there is no device 8/],
  ['9999999999999999999999', [1], /neither/],
];

describe('as a request', () => {
  it.each(GOOD_REQUESTS)('%j asks for %j', (mask, asked) => {
    const request = parseRequest(mask, devices);
    expect(request.ok && indexes(request.uuids)).toEqual(asked);
  });

  it.each(BAD_REQUESTS)('%j is refused at %j', (mask, positions, says) => {
    const request = parseRequest(mask, devices);
    const problems = request.ok ? [] : request.problems;
    expect(problems.map(({ position }) => position)).toEqual(positions);
    expect(problems.map(({ message }) => message).join('\n')).toMatch(says);
  });

  it('says at once and briefly what is wrong with a megabyte', () => {
    for (const mask of ['x'.repeat(1 << 20), '7,'.repeat(1 << 19), ','.repeat(1 << 20)]) {
      const request = parseRequest(mask, devices);
      const problems = request.ok ? [] : request.problems;
      expect(problems.length).toBeLessThanOrEqual(5);
      expect(problems.map(({ message }) => message).join('').length).toBeLessThan(3000);
    }
  });

  it('of an empty host names nothing that could be had', () => {
    expect(parseRequest('0', [])).toMatchObject({
      problems: [{ message: expect.stringContaining('there are no devices') as string }],
    });
  });

  it('that is good is read by CUDA as the same devices, once it is written as indexes', () => {
    const mask = fc.shuffledSubarray(['0', 'cuda:1', 'GPU-b8', '3'], { minLength: 1 });
    fc.assert(
      fc.property(mask, (entries) => {
        const request = parseRequest(entries.join(','), devices);
        const uuids = request.ok ? request.uuids : [];
        expect(readMask(indexes(uuids).join(','), devices).uuids).toEqual(uuids);
      }),
    );
  });
});
