import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { loadScripts, type Script } from '../../apps/daemon/dist/ledger/scripts.js';
import { RedisServer } from '../support/redis-server.js';
import { TRANSITIONS } from './failpoint-faults.js';

const armed = mkdtempSync(join(tmpdir(), 'berth-armed-'));
let server: RedisServer;
beforeAll(async () => {
  vi.stubEnv('FAULTS_ARMED', armed);
  await import(new URL('failpoints.mjs', import.meta.url).href);
  server = await RedisServer.start();
});
afterAll(async () => {
  await server.stop();
  rmSync(armed, { recursive: true });
});

const arm = (point: string): void => writeFileSync(join(armed, point), 'fail');

it.each(TRANSITIONS)('%s, a transition of the ledger, comes by a failpoint of its own', async (script) => {
  const run = loadScripts(server.connect());
  arm(`berth_${script}.before`);
  await expect(run(script as Script, 'any')).rejects.toThrow(`the failpoint berth_${script}.before`);
});

it.each(['addStandardJob.before', 'addStandardJob.after'])(
  "a hand-over comes by BullMQ's %s",
  async (point) => {
    const queue = new Queue('any', { connection: server.connect(), skipVersionCheck: true });
    arm(point);
    await expect(queue.add('task', {})).rejects.toThrow(`the failpoint ${point}`);
    expect(await queue.count()).toBe(point.endsWith('after') ? 1 : 0);
    await queue.close();
  },
);
