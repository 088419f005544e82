import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BerthClient } from './index.js';

let directory: string;
let socketPath: string;
let server: Server;
const seen: { call: string; host?: string | undefined; body: string }[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'berth-socket-'));
  socketPath = join(directory, 'berth.sock');
  server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    seen.push({ call: `${request.method} ${request.url}`, host: request.headers.host, body });
    if (request.url === '/v1/hangs') return;
    response.end(JSON.stringify({ name: 'ada' }));
  });
  server.listen(socketPath);
  await once(server, 'listening');
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  rmSync(directory, { recursive: true });
});

it('a client may go by a unix socket, with body and query', async () => {
  const berth = new BerthClient({ socketPath });
  expect(await berth.me()).toEqual({ name: 'ada' });
  await berth.users.create({ name: 'ada' });
  await berth.doctor({ python: '/usr/bin/python3' });
  expect(seen.map(({ call }) => call)).toEqual([
    'GET /v1/me',
    'POST /v1/users',
    'GET /v1/doctor?python=%2Fusr%2Fbin%2Fpython3',
  ]);
  expect(seen[1]).toMatchObject({ host: 'localhost', body: '{"name":"ada"}' });
  expect(berth.url).toBe(`unix:${socketPath}`);
});

it('gives up on time, and says where nobody answers', async () => {
  const gone = new BerthClient({ socketPath: join(directory, 'gone.sock'), retrySeconds: 0 });
  await expect(gone.me()).rejects.toThrow(/no answer from unix:.*gone\.sock \(connect ENOENT/);
  const aborted = AbortSignal.abort(new Error('enough'));
  await expect(new BerthClient({ socketPath }).me({ signal: aborted })).rejects.toThrow('enough');
});

it('needs to be told where', () => {
  expect(() => new BerthClient({})).toThrow(/give url or socketPath/);
});
