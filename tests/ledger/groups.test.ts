import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openIdentity, WrongLedger } from '../../apps/daemon/dist/ledger/identity.js';
import { Ledger } from '../../apps/daemon/dist/ledger/ledger.js';
import { bindToLedger } from '../../apps/daemon/dist/ledger/scripts.js';
import { newJob } from '../support/ledger-story.js';
import { RedisServer } from '../support/redis-server.js';

let folder: string;
let server: RedisServer;
let redis: ReturnType<RedisServer['connect']>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'berth-groups-'));
  server = await RedisServer.start();
  redis = server.connect();
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

it.each(['hgetall', 'zrange', 'hget'] as const)(
  'a group is neither unknown nor without a number when its ledger is emptied while it is read: before %s',
  async (read) => {
    bindToLedger(redis, await openIdentity(redis, join(folder, read), 0));
    const ledger = new Ledger(redis);
    const group = { id: 'grp_1', name: 'sweep', user: 'ada', size: 1, maxParallel: null, idempotency: null };
    await ledger.groups.open(group);
    const job = newJob();
    await ledger.submit({ ...job, spec: { ...job.spec, group: { id: 'grp_1', index: 0, parameters: {} } } });
    expect(await ledger.groups.get('grp_1')).toMatchObject({ size: 1, firstJob: job.id, firstNumber: 1 });

    const reads = redis[read].bind(redis) as (...argv: unknown[]) => Promise<unknown>;
    vi.spyOn(redis, read).mockImplementationOnce((async (...argv: unknown[]) => {
      await redis.flushall();
      return reads(...argv);
    }) as never);
    await expect(ledger.groups.get('grp_1')).rejects.toThrow(WrongLedger);
  },
);
