import type { DeviceProcess } from '@berth/contract';
import type { DeviceFacts, DeviceSample } from '@berth/cuda-core';
import { KNOWN_XIDS } from '@berth/cuda-core';
import { describe, expect, it } from 'vitest';
import type { DeviceUse } from './device-use.js';
import { ailmentOf, ailmentOfEvent, passingObstacles } from './judgement.js';

const GIB = 2 ** 30;
const facts = { index: 3, computeMode: 'default' } as DeviceFacts;
const sample = { memoryUsedBytes: 0, remappedRows: null } as DeviceSample;
const process = (pid: number, gib: number, over: Partial<DeviceProcess> = {}): DeviceProcess => ({
  pid,
  kind: 'compute',
  memoryBytes: gib * GIB,
  user: 'eve',
  command: 'python3',
  job: null,
  number: null,
  ...over,
});
const use = (...processes: DeviceProcess[]): DeviceUse => {
  const foreign = processes.filter(({ job }) => job === null);
  const foreignBytes = foreign.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0);
  return { processes, foreignBytes, jobBytes: 0, bytesByJob: new Map() };
};
const nobody = use();
const device: Parameters<typeof passingObstacles>[0] = {
  facts,
  reach: 'ok',
  use: nobody,
  sample,
  held: false,
};

describe('what takes a device out', () => {
  it('is that it is lost: the job on it ends', () => {
    expect(ailmentOf('lost', null)).toMatchObject({ code: 'lost', endsJob: true });
  });

  it('is that its memory has no spare rows: the job on it may go on', () => {
    const rows = { correctable: 1, uncorrectable: 8, pending: false, failed: true };
    expect(ailmentOf('ok', { ...sample, remappedRows: rows })).toMatchObject({
      code: 'unwell',
      endsJob: false,
    });
  });

  it('is nothing that passes', () => {
    const rows = { correctable: 1, uncorrectable: 1, pending: true, failed: false };
    expect(ailmentOf('ok', { ...sample, remappedRows: rows })).toBeNull();
    expect(ailmentOf('unresponsive', sample)).toBeNull();
    expect(ailmentOf('unknown', null)).toBeNull();
  });

  it.each(KNOWN_XIDS.map(({ xid, verdict }) => [xid, verdict] as const))('XID %i: %s', (xid, verdict) => {
    const ailment = ailmentOfEvent({ uuid: 'GPU-1', kind: 'xid', xid });
    const codes = { application: undefined, note: undefined, reset: 'unwell', gone: 'lost' };
    expect(ailment?.code).toBe(codes[verdict]);
    if (ailment) expect(ailment.sentence).toMatch(new RegExp(`^XID ${xid}: .*then resume it$`));
  });

  it('is no XID that nobody knows, but a memory error that ECC could not correct', () => {
    expect(ailmentOfEvent({ uuid: 'GPU-1', kind: 'xid', xid: 4711 })).toBeNull();
    expect(ailmentOfEvent({ uuid: 'GPU-1', kind: 'doubleBitEcc', xid: null })).toMatchObject({
      code: 'unwell',
    });
    expect(ailmentOfEvent({ uuid: 'GPU-1', kind: 'other', xid: null })).toBeNull();
  });
});

describe('what keeps jobs away for a while', () => {
  const limit = GIB / 2;
  const codes = (over: Partial<typeof device>, limitBytes: number | null = limit): string[] =>
    passingObstacles({ ...device, ...over }, limitBytes).map(({ code }) => code);

  it('is nothing on a device that is well', () => {
    expect(codes({})).toEqual([]);
  });

  it('is a driver that does not answer for it, and a compute mode that allows nothing', () => {
    expect(codes({ reach: 'unresponsive' })).toEqual(['unresponsive']);
    expect(codes({ facts: { ...facts, computeMode: 'prohibited' } })).toEqual(['prohibited']);
  });

  it('is foreign use above the limit, with pid, user and bytes of the largest', () => {
    const [finding] = passingObstacles({ ...device, use: use(process(7, 1), process(8, 40)) }, limit);
    expect(finding?.sentence).toBe(
      'process 8 (of eve, python3) has 40 GiB on it, and 1 more; it belongs to no job of Berth',
    );
  });

  it('is not foreign use up to the limit, nor use by jobs, nor any where it is ignored', () => {
    expect(codes({ use: use(process(7, 0.5)) })).toEqual([]);
    expect(codes({ use: use(process(7, 40, { job: 'job_1', number: 1 })) })).toEqual([]);
    expect(codes({ use: use(process(7, 40)) }, null)).toEqual([]);
  });

  it('says what it knows of a process that is not to be seen', () => {
    const [finding] = passingObstacles(
      { ...device, use: use(process(7, 1, { user: null, command: null })) },
      limit,
    );
    expect(finding?.sentence).toContain('process 7 (of a user that is not to be seen from here) has 1 GiB');
  });

  it('is use of a device that nobody holds, where the driver names no processes', () => {
    const untold: DeviceUse = { processes: null, foreignBytes: null, jobBytes: null, bytesByJob: new Map() };
    const used = { ...sample, memoryUsedBytes: GIB };
    expect(codes({ use: untold, sample: used })).toEqual(['foreign_use']);
    expect(codes({ use: untold, sample: used, held: true })).toEqual([]);
    expect(codes({ use: untold, sample: null })).toEqual([]);
  });
});
