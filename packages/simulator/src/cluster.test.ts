import { byNode } from '@berth/scheduler';
import { describe, expect, it } from 'vitest';
import { largestNode, parseCluster } from './cluster.js';
import { InputError } from './trace.js';

describe('a description of a cluster', () => {
  it.each([
    ['64xH100-80GB', [64], 80e9],
    ['8x8xA100-80GB', [8, 8, 8, 8, 8, 8, 8, 8], 80e9],
    ['2x4xT4', [4, 4], null],
    ['8xH100-80GB+2x4xT4', [8, 4, 4], 80e9],
  ])('%s has nodes of %j devices', (text, nodes, memoryBytes) => {
    const devices = parseCluster(text);
    expect(byNode(devices).map(({ length }) => length)).toEqual(nodes);
    expect(largestNode(devices)).toBe(nodes[0]);
    expect(devices[0]?.memoryBytes).toBe(memoryBytes);
    expect(new Set(devices.map(({ uuid }) => uuid)).size).toBe(devices.length);
  });

  it('connects the devices of a node and no others', () => {
    const [first] = parseCluster('2x3xH100-80GB');
    expect(first?.distances).toEqual({ 'node0001-1': 1, 'node0001-2': 1 });
  });

  it.each([
    '',
    'H100',
    '8x',
    '0xH100',
    '0x8xH100',
    'x8xH100',
    '-1xH100',
    '8xH100+',
    '9999x8xH100',
    '8x8x8xH100',
  ])('is refused: %j', (text) => {
    expect(() => parseCluster(text)).toThrow(InputError);
  });
});
