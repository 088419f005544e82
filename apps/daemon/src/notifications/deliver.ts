import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Webhook } from '@berth/contract';
import type { Addresses } from './addresses.js';
import { signatureOf } from './signature.js';

const PATIENCE_MS = 10_000;

/** What is sent; the same on every try. */
export interface Message {
  id: string;
  type: string;
  body: string;
}

/** The other side has answered, but not that it has taken it. */
export class NotTaken extends Error {
  override readonly name = 'NotTaken';
  readonly status: number;

  constructor(status: number) {
    super(`it was answered with ${status}`);
    this.status = status;
  }
}

/**
 * Sends a message once. Redirects aren't followed, and what is answered besides the status isn't read.
 * @throws AddressRefused, NotTaken, or what the network says
 */
export async function deliver(
  addresses: Addresses,
  { url, secret }: Webhook,
  message: Message,
): Promise<void> {
  const target = await addresses.resolve(url);
  const pinned: LookupFunction = (_host, options, done) => {
    if (options.all) done(null, [target]);
    else done(null, target.address, target.family);
  };
  const { username, password, ...place } = urlParts(url);
  const status = await new Promise<number>((resolve, reject) => {
    const request = (place.protocol === 'https:' ? https : http).request(
      {
        ...place,
        method: 'POST',
        agent: false,
        lookup: pinned,
        signal: AbortSignal.timeout(PATIENCE_MS),
        ...(username ? { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` } : {}),
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(message.body),
          'user-agent': 'Berth',
          'berth-delivery': message.id,
          'berth-event': message.type,
          ...(secret === undefined
            ? {}
            : { 'berth-signature': signatureOf(secret, message.body, Date.now()) }),
        },
      },
      (response) => {
        response.destroy();
        resolve(response.statusCode ?? 0);
      },
    );
    request.on('error', reject);
    request.end(message.body);
  });
  if (status < 200 || status > 299) throw new NotTaken(status);
}

function urlParts(url: string) {
  const { protocol, hostname, port, pathname, search, username, password } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return {
    protocol,
    hostname: host,
    port: port || undefined,
    path: `${pathname}${search}`,
    username,
    password,
  };
}
