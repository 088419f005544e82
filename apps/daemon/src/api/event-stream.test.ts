import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { FastifyReply } from 'fastify';
import { afterEach, expect, it } from 'vitest';
import type { LedgerEvent } from '../ledger/event-feed.js';
import type { EventLog } from '../ledger/event-log.js';
import { RecentEvents } from '../ledger/recent-events.js';
import { EventStreams } from './event-stream.js';

const ALL = { jobs: null, types: null, users: null, viewer: null };
let server: Server;
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

/** A feed by hand, a past that is given, and a real connection between. */
async function streams(options: { heartbeatMs?: number; patienceMs?: number }, past: LedgerEvent[] = []) {
  let tell = (_: readonly LedgerEvent[]): void => undefined;
  const feed = {
    position: past.at(-1)?.id ?? '0-0',
    listen: (listener: typeof tell) => {
      tell = listener;
      return () => undefined;
    },
  };
  const log = { after: async () => ({ events: past, lost: false }) } as unknown as EventLog;
  const events = new EventStreams(log, new RecentEvents(feed), options);
  const ended: Promise<void>[] = [];
  server = createServer((request, raw: ServerResponse) => {
    const after = new URL(request.url as string, 'http://x').searchParams.get('after');
    const reply = { raw, hijack: () => undefined, getHeaders: () => ({}) } as unknown as FastifyReply;
    ended.push(events.follow(ALL, after, reply));
  }).listen(0);
  await once(server, 'listening');
  const follow = async (query = ''): Promise<Socket> => {
    const socket = connect((server.address() as AddressInfo).port);
    sockets.push(socket);
    socket.write(`GET /${query} HTTP/1.1\r\nhost: x\r\n\r\n`);
    await once(socket, 'readable');
    return socket;
  };
  let number = 0;
  const happen = (count: number): void => {
    const ids = Array.from({ length: count }, (_, i) => `${Date.now() + 1000}-${number + i + 1}`);
    number += count;
    tell(ids.map(eventAt));
  };
  return { follow, happen, ended };
}

function eventAt(id: string): LedgerEvent {
  return {
    id,
    type: 'job.changed',
    at: '2026-11-21T02:00:00.000Z',
    job: `job_${'x'.repeat(200)}`,
    more: null,
  };
}

async function readUntil(socket: Socket, text: string | RegExp): Promise<string> {
  let seen = '';
  for await (const part of socket) {
    seen += part;
    if (typeof text === 'string' ? seen.includes(text) : text.test(seen)) return seen;
  }
  throw new Error(`the connection ended after ${seen}`);
}

it('says that it is there while nothing happens', async () => {
  const { follow } = await streams({ heartbeatMs: 20 });
  expect(await readUntil(await follow(), /\n:\n\n[\s\S]*\n:\n\n/)).not.toContain('event:');
});

it('cuts off who takes nothing, and nobody else', async () => {
  const { follow, happen, ended } = await streams({ patienceMs: 1000 });
  const deaf = await follow();
  const listening = await follow();
  let bytes = 0;
  listening.on('data', (data) => {
    bytes += data.length;
  });
  // Far more than the kernel keeps for who doesn't read.
  const told = setInterval(() => happen(2000), 2);
  await ended[0];
  clearInterval(told);
  expect(deaf.destroyed).toBe(false);
  const before = bytes;
  happen(1);
  await once(listening, 'data');
  expect(bytes).toBeGreaterThan(before);
});

it('goes over from the past to what comes without a gap or a repetition', async () => {
  const past = [eventAt('5-0'), eventAt('6-0')];
  const { follow, happen } = await streams({}, past);
  const socket = await follow('?after=4-0');
  happen(2);
  const seen = await readUntil(socket, /id: \d+-2\n/);
  expect(
    seen
      .match(/^id: \S+/gm)
      ?.slice(1)
      .map((id) => id.replace(/\d{10,}/, 'now')),
  ).toEqual(['id: 5-0', 'id: 6-0', 'id: now-1', 'id: now-2']);
});
