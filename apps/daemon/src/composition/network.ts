import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import type { ApiContext } from '../api/context.js';
import type { Peers } from '../api/peers.js';
import { buildServer, type ServerOptions } from '../api/server.js';
import { listenOnSocket } from '../api/unix-socket.js';
import type { Config } from '../config.js';
import { parseListen } from '../listening.js';
import type { Ground } from './ground.js';
import { StartError } from './start-error.js';

/**
 * Answers on the address of the settings and on a unix socket, and notes in the data directory where.
 * @returns the address as a URL
 * @throws StartError
 */
export async function serve(ground: Ground, context: ApiContext & { peers: Peers }): Promise<string> {
  const { config, directories, endings, log } = ground;
  const app = await buildServer(context, log, serverOptions(config));
  endings.add(() => app.close());
  endings.add(() => rmSync(directories.address, { force: true }));
  const { host, port } = parseListen(config.listen) as { host: string; port: number };
  try {
    await app.listen({ host: host.replace(/^\[|\]$/g, ''), port });
    const socketMode = Number.parseInt(config.socketMode, 8);
    const closeSocket = await listenOnSocket(app, directories.socket, socketMode, context.peers);
    if (closeSocket) endings.add(closeSocket);
    else log.warn({ path: directories.socket }, 'this path is too long for a unix socket; there is none');
  } catch (error) {
    await endings.run();
    throw new StartError(
      `can't listen on ${config.listen}: ${(error as Error).message}; choose another with --listen`,
    );
  }
  const url = `${config.tls ? 'https' : 'http'}://${host}:${(app.server.address() as AddressInfo).port}`;
  writeFileSync(`${directories.address}.new`, JSON.stringify({ url, pid: process.pid }), { mode: 0o644 });
  renameSync(`${directories.address}.new`, directories.address);
  return url;
}

/** How the settings let the API meet the network. @throws StartError where the certificates can't be read */
function serverOptions(config: Config): ServerOptions {
  const { tls, requestTimeout, trustedProxies, allowedHosts, allowedOrigins, listen, node } = config;
  const read = (what: 'cert' | 'key', file: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (error) {
      throw new StartError(`tls: the ${what} can't be read: ${(error as Error).message}`);
    }
  };
  return {
    tls: tls ? { cert: read('cert', tls.cert), key: read('key', tls.key) } : null,
    requestTimeoutSeconds: requestTimeout,
    trustedProxies,
    hosts: [parseListen(listen)?.host ?? '', hostname(), node, ...allowedHosts],
    origins: allowedOrigins,
  };
}
