import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { Addresses } from './addresses.js';
import { deliver } from './deliver.js';

const MESSAGE = { id: '1-0.job.0', type: 'job.ended', body: '{}' };

it('connects to the address that was checked, whatever the name resolves to a moment later', async () => {
  const hosts: unknown[] = [];
  const server = createServer((request, response) => {
    hosts.push(request.headers.host);
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const asked: string[] = [];
  // Only the first answer is the one that is allowed; there is no such name for anybody else.
  const addresses = new Addresses(['127.0.0.1/32'], async (host) => {
    asked.push(host);
    return [{ address: asked.length === 1 ? '127.0.0.1' : '10.0.0.1', family: 4 }];
  });
  const webhook = { url: `http://rebinding.invalid:${port}/`, events: ['ended' as const] };
  await deliver(addresses, webhook, MESSAGE);
  expect([asked, hosts]).toEqual([['rebinding.invalid'], [`rebinding.invalid:${port}`]]);
  await expect(deliver(addresses, webhook, MESSAGE)).rejects.toThrow(/notifications.allow/);
  server.close();
});
