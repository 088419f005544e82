import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ConfigSchema } from './config.js';
import { configJsonSchema, settingsTable } from './config-document.js';
import { readSettings } from './config-reading.js';
import { describeSettings } from './config-report.js';

const root = mkdtempSync(join(tmpdir(), 'berth-settings-'));
afterAll(() => rmSync(root, { recursive: true }));
const file = join(root, 'berth.yaml');
writeFileSync(
  file,
  'retention: { jobs: 40d }\nnode: rack-1\nnotifications:\n  webhooks: [{ url: "https://chat.example/geheim", secret: "geheim geheim geheim" }]\n',
);

it('what berthd prints of its settings says where they came from, hides secrets, and is a file of settings itself', () => {
  const flags = { config: file, redisUrl: 'rediss://ada:geheim@host:1/0' };
  const text = describeSettings(readSettings(flags, { BERTH_LISTEN: '127.0.0.1:1' }));
  expect(text).toContain('listen: 127.0.0.1:1 # BERTH_LISTEN\n');
  expect(text).toContain('redisUrl: rediss://ada:(hidden)@host:1/0 # --redis-url\n');
  expect(text).toContain(`node: rack-1 # node in ${file}\n`);
  expect(text).toContain('gracePeriod: 30 # default\n');
  expect(text).toContain(
    `# retention in ${file}, and defaults for what is not named there\nretention:\n  jobs: 3456000\n`,
  );
  expect(text).not.toContain('geheim');
  expect(ConfigSchema.parse(parse(text)).retention.jobs).toBe(40 * 86_400);
});

it('every setting is described, has its default named, and is in the schema for editors', () => {
  const table = settingsTable();
  for (const name of Object.keys(ConfigSchema.shape)) expect(table).toContain(`\`${name}`);
  expect(table).not.toMatch(/\| +\|/);
  expect(Object.keys(configJsonSchema().properties as object)).toEqual(Object.keys(ConfigSchema.shape));
});

it('what is not known inside a section is named with it', () => {
  writeFileSync(file, 'retention: { jbos: 40d }\n');
  expect(() => readSettings({ config: file }, {})).toThrow(
    /^retention → jbos in .*: no such setting \(there are jobs, mostJobs/,
  );
});
