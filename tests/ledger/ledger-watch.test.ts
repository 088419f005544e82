import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { KEYS } from '../../apps/daemon/dist/ledger/keys.js';
import { LedgerWatch } from '../../apps/daemon/dist/ledger/ledger-watch.js';
import { eventually } from '../support/daemon.js';
import { RedisServer } from '../support/redis-server.js';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

it('that Redis falls silent is logged once, with why that may be, and once that it answers again', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line) => lines.push(JSON.parse(line).msg) });
  await server.connect().set(KEYS.identity, 'this one');
  const watch = new LedgerWatch({
    redis: server.connect(),
    identity: 'this one',
    file: '/data/ledger.id',
    countTasks: () => 0,
    whySilent: () => 'the disk of /data is full',
    log,
    onIdentity: async () => undefined,
  });
  watch.start();
  try {
    await server.connect().call('CLIENT', 'PAUSE', '4500', 'ALL');
    await eventually(
      () => lines.length,
      (count) => count === 2,
    );
    expect(lines[0]).toMatch(/^Redis has not answered for [234] s, .* now; the disk of \/data is full$/);
    expect(lines[1]).toMatch(/^Redis answers again, after [4567] s$/);
    expect(watch.problem).toBeNull();
  } finally {
    watch.close();
  }
});
