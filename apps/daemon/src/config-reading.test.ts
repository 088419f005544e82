import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readSettings } from './config-reading.js';

const root = mkdtempSync(join(tmpdir(), 'berth-config-'));
afterAll(() => rmSync(root, { recursive: true }));

function file(text: string): string {
  const path = join(root, `${Math.abs(text.length)}.yaml`);
  writeFileSync(path, text);
  return path;
}

describe('settings', () => {
  it('come from flags before the environment, from that before the file, from that before the defaults', () => {
    const config = file('listen: 127.0.0.1:1\nnode: file\nlogLevel: warn\ngracePeriod: 2m\n');
    const environment = { BERTH_LISTEN: '127.0.0.1:2', BERTH_NODE: 'environment' };
    expect(readSettings({ config, listen: '127.0.0.1:3' }, environment).config).toMatchObject({
      listen: '127.0.0.1:3',
      node: 'environment',
      logLevel: 'warn',
      gracePeriod: 120,
      logLimit: 256 * 2 ** 20,
    });
  });

  it.each([
    [{ listen: '0.0.0.0:7700' }, {}, /^--listen: 0\.0\.0\.0:7700 is open to other hosts/],
    [{ listen: '127.0.0.1:99999' }, {}, /^--listen: must be an address with a port of at most 65535[^\n]*$/],
    [{}, { BERTH_REDIS_URL: 'localhost' }, /^BERTH_REDIS_URL: must be a URL/],
    [{ simulate: '2xVoodoo' }, {}, /^--simulate: no model Voodoo/],
    [{ config: file('dataDirr: /x\n') }, {}, /dataDirr in .*: no such setting \(there are dataDir, listen/],
    [{ config: file('- a\n- b\n') }, {}, /must hold settings/],
    [{ config: file('a: [\n') }, {}, /is no YAML/],
    [{ config: '/no/such/file' }, {}, /can't be read/],
  ])('%j %j are refused by name', (flags, environment, message) => {
    expect(() => readSettings(flags, environment)).toThrow(message);
  });
});
