import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRequest, readMask } from './mask.js';
import { AS_CUDA, AS_CUDA_DIVIDED, DIVIDED, UUIDS } from './mask-cases.test-support.js';

const devices = UUIDS.map((uuid, index) => ({ uuid, index, name: 'T4' }));
const indexes = (uuids: readonly string[]): number[] => uuids.map((uuid) => UUIDS.indexOf(uuid));

describe('as CUDA reads it', () => {
  it.each(AS_CUDA)('%j leaves %j visible', (mask, visible, stops) => {
    const read = readMask(mask, devices);
    expect(indexes(read.uuids)).toEqual(visible);
    expect(read.ignored?.position ?? null).toBe(stops);
  });

  it.each(AS_CUDA_DIVIDED)('%j leaves %j of the divided host visible', (mask, visible, stops) => {
    const read = readMask(mask, DIVIDED);
    expect(read.uuids).toEqual(visible.map((place) => DIVIDED[place]?.uuid));
    expect(read.ignored?.position ?? null).toBe(stops);
  });

  it('leaves a daemon all instances that a mask names: it hands them out one by one', () => {
    const managed = (mask?: string): number[] =>
      readMask(mask, DIVIDED, 'all').uuids.map((uuid) => DIVIDED.findIndex((device) => device.uuid === uuid));
    expect(managed()).toEqual([0, 1, 2, 3, 4]);
    expect(managed('0')).toEqual([0, 1, 2]);
    expect(managed('1,0')).toEqual([3, 0, 1, 2]);
    expect(managed('MIG-cccc,MIG-aaaa2')).toEqual([2, 1]);
    expect(managed('GPU-aaaa,7,1')).toEqual([0, 1, 2]);
    expect(managed('0,0')).toEqual([]);
  });

  it('goes by index, not by the order in which devices are handed over', () => {
    const backwards = [...devices].reverse();
    expect(indexes(readMask(undefined, backwards).uuids)).toEqual([0, 1, 2, 3]);
    expect(indexes(readMask('2,0', backwards).uuids)).toEqual([2, 0]);
  });

  it('stops in a megabyte where it ends, and quotes little of it', () => {
    for (const mask of [
      'x'.repeat(1 << 20),
      '0,'.repeat(1 << 19),
      ','.repeat(1 << 20),
      ' '.repeat(1 << 20),
    ]) {
      expect(readMask(mask, devices).ignored?.entry.length).toBeLessThan(50);
    }
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
  ['9999999999999999999999', [1], /neither.*CUDA would show the job nothing/],
  ['7x', [1], /neither.*CUDA would show the job nothing/],
  ['-0', [1], /neither.*CUDA would read it as 0/],
  ['CUDA:1', [1], /neither/],
  ['cuda: 1', [1], /neither/],
  ['cuda:-1', [1], /neither/],
  ['cuda:1x', [1], /neither/],
  ['0;1', [1], /CUDA would read it as 0/],
  ['0-3', [1], /CUDA would read it as 0/],
  ['\u00a01', [1], /neither/],
  ['GPU-', [1], /is no UUID, but the beginning of all/],
  ['MIG-3f1c', [1], /no device has this UUID/],
  [',', [1, 2], /is empty/],
  ['cuda:2,2', [2], /device of entry 1 again/],
  ['7,7', [1, 2], /there is no device 7/],
];

/** mask, the places in DIVIDED that it asks for, or what one of its problems says */
const REQUESTS_DIVIDED: [mask: string, asked: number[] | RegExp][] = [
  ['0:1', [1]],
  ['0:0,0:2,2:0', [0, 2, 4]],
  ['1', [3]],
  ['1,MIG-dddd', [3, 4]],
  ['MIG-cccc', [2]],
  ['MIG-GPU-aaaa0000-0000-4000-8000-000000000000/8/0', [1]],
  [
    '0',
    /GPU 0 is divided into MIG instances, of which CUDA would show the first; name one of them, such as 0:0; there are 0:0 /,
  ],
  ['cuda:2', /GPU 2 is divided/],
  ['GPU-aaaa', /GPU 0 is divided/],
  ['0:3', /GPU 0 has no MIG instance 3/],
  ['1:0', /GPU 1 has no MIG instance 0/],
  ['9:0', /there is no device 9/],
  ['0:1,MIG-aaaa2', /device of entry 1 again/],
  ['MIG-aaaa', /2 devices have UUIDs that begin so/],
  ['0:', /neither an index/],
  ['0:x', /neither an index/],
];

describe('as a request', () => {
  it.each(REQUESTS_DIVIDED)('%j of a divided host is %j', (mask, asked) => {
    const request = parseRequest(mask, DIVIDED);
    if (Array.isArray(asked)) {
      expect(request).toEqual({ ok: true, uuids: asked.map((place) => DIVIDED[place]?.uuid) });
    } else {
      expect(request).toMatchObject({ ok: false, problems: [{ message: expect.stringMatching(asked) }] });
    }
  });

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

  it('of a thousand bad entries names the first few', () => {
    const request = parseRequest(Array(1000).fill('bad').join(','), devices);
    expect(request.ok ? [] : request.problems.map(({ position }) => position)).toEqual([1, 2, 3, 4, 5]);
  });

  it('lists what exists, of a big host the first few', () => {
    const many = Array.from({ length: 64 }, (_, index) => ({ uuid: `GPU-${index}`, index }));
    const request = parseRequest('64', many);
    expect(request.ok || request.problems[0]?.message).toMatch(/there are 0 \(GPU-0….* and 56 more$/);
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
