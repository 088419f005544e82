import type { DeviceFacts } from '@berth/cuda-core';
import { expect, it } from 'vitest';
import { managedDevices } from './managed-devices.js';

const gpu = (index: number, over: Partial<DeviceFacts> = {}): DeviceFacts =>
  ({ uuid: `GPU-${index}`, index, name: 'A100', mig: null, migEnabled: false, ...over }) as DeviceFacts;
const instance = (gpuIndex: number, index: number): DeviceFacts =>
  gpu(gpuIndex, {
    uuid: `MIG-${gpuIndex}-${index}`,
    migEnabled: null,
    mig: { parent: `GPU-${gpuIndex}`, index, profile: '1g.5gb', gpuInstance: index, computeInstance: 0 },
  });
const divided = [gpu(0, { migEnabled: true }), instance(0, 0), instance(0, 1), gpu(1)];

const managed = (found: DeviceFacts[], environment: NodeJS.ProcessEnv = {}) => {
  const { devices, remarks } = managedDevices(found, environment);
  return { uuids: devices.map(({ uuid }) => uuid), remarks };
};

it('manages all there are, and of a divided GPU its instances', () => {
  expect(managed(divided)).toEqual({ uuids: ['MIG-0-0', 'MIG-0-1', 'GPU-1'], remarks: [] });
});

it('says so where a divided GPU has no instances', () => {
  const { uuids, remarks } = managed([gpu(0, { migEnabled: true }), gpu(1)]);
  expect(uuids).toEqual(['GPU-1']);
  expect(remarks).toEqual([expect.stringContaining('GPU 0 is in MIG mode but has no instances')]);
});

it("manages what the daemon's own mask leaves, and says how many that are", () => {
  const { uuids, remarks } = managed(divided, { CUDA_VISIBLE_DEVICES: '1,MIG-0-0' });
  expect(uuids).toEqual(['GPU-1']);
  expect(remarks[0]).toBe('CUDA_VISIBLE_DEVICES=1,MIG-0-0 leaves 1 of 3 devices to Berth');
  expect(remarks[1]).toContain("from entry 2, 'MIG-0-0', on");
});

it('manages all instances that a mask names', () => {
  expect(managed(divided, { CUDA_VISIBLE_DEVICES: 'MIG-0-1,MIG-0-0' }).uuids).toEqual(['MIG-0-0', 'MIG-0-1']);
  expect(managed(divided, { CUDA_VISIBLE_DEVICES: '0' }).uuids).toEqual(['MIG-0-0', 'MIG-0-1']);
});

it('manages nothing under an empty mask', () => {
  expect(managed(divided, { CUDA_VISIBLE_DEVICES: '' }).uuids).toEqual([]);
});

it('manages what both masks leave', () => {
  const environment = { NVIDIA_VISIBLE_DEVICES: 'GPU-0,GPU-2', CUDA_VISIBLE_DEVICES: '2,1' };
  expect(managed([gpu(0), gpu(1), gpu(2)], environment).uuids).toEqual(['GPU-2']);
});
