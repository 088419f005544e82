import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Peers } from './peers.js';

/** As long as the address of a unix socket may be (unix(7)). */
const LONGEST_PATH_BYTES = 107;

/**
 * Offers the API by a unix socket too. Whoever calls this holds the data directory's lock: so a socket that is there already is a
 * dead daemon's.
 * @returns what ends it; null where the path is too long for a socket
 * @throws where it can't be made
 */
export async function listenOnSocket(
  app: FastifyInstance,
  path: string,
  mode: number,
  peers: Peers,
): Promise<(() => Promise<void>) | null> {
  if (Buffer.byteLength(path) > LONGEST_PATH_BYTES) return null;
  rmSync(path, { force: true });
  const { headersTimeout, requestTimeout, keepAliveTimeout } = app.server;
  const server = createServer(
    {
      headersTimeout,
      requestTimeout,
      keepAliveTimeout,
      connectionsCheckingInterval: 1000,
      requireHostHeader: false,
    },
    (request, response) => app.routing(request, response),
  );
  server.on('checkExpectation', (request, response) => app.routing(request, response));
  server.on('connection', (socket) => peers.welcome(socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, mode);
  return () => close(server, path);
}

async function close(server: Server, path: string): Promise<void> {
  rmSync(path, { force: true });
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
