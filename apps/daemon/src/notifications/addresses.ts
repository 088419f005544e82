import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

/** Networks that only this host, or the network that it is in, can reach; and those that are no single host's (RFC 6890). */
const INNER = [
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.168.0.0/16 198.18.0.0/15 224.0.0.0/4 240.0.0.0/4',
  // The last four hold addresses of IPv4 inside.
  '::/128 ::1/128 fc00::/7 fe80::/10 fec0::/10 ff00::/8 64:ff9b::/96 64:ff9b:1::/48 2001::/32 2002::/16',
];

/** An address that must not be sent to; the message says why and what allows it. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

export interface Address {
  address: string;
  family: 4 | 6;
}

/** The addresses behind a name. */
type Find = (host: string) => Promise<{ address: string; family: number }[]>;

/** Which addresses may be sent to. */
export class Addresses {
  private readonly inner = listOf(INNER.flatMap((line) => line.split(' ')));
  private readonly allowed: BlockList;

  private readonly find: Find;

  /** @param allowed networks such as `10.1.0.0/16` that may be sent to although they are inner ones */
  constructor(allowed: readonly string[], find: Find = (host) => lookup(host, { all: true })) {
    this.find = find;
    this.allowed = listOf(allowed);
  }

  /** Why a URL can't be sent to, as far as can be told without asking anybody for its name; null: it may be. */
  refusal(url: string): string | null {
    const host = hostOf(url);
    if (/(^|\.)localhost$/i.test(host) && !this.allows('127.0.0.1')) return forbidden(host);
    return isIP(host) && !this.allows(host) ? forbidden(host) : null;
  }

  /**
   * The address to connect to for a URL. To be used as it is: asked again, the name may have another.
   * @throws AddressRefused where a name has none that is allowed
   */
  async resolve(url: string): Promise<Address> {
    const refusal = this.refusal(url);
    if (refusal) throw new AddressRefused(refusal);
    const host = hostOf(url);
    const found = isIP(host) ? [{ address: host, family: isIP(host) }] : await this.find(host);
    const usable = found.find(({ address }) => this.allows(address));
    if (!usable) throw new AddressRefused(forbidden(host));
    return usable as Address;
  }

  private allows(address: string): boolean {
    // An IPv4 address in the clothes of IPv6.
    const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? mappedInHex(address);
    const real = mapped ?? address;
    const family = isIP(real) === 6 ? 'ipv6' : 'ipv4';
    return this.allowed.check(real, family) || !this.inner.check(real, family);
  }
}

function mappedInHex(address: string): string | undefined {
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address) ?? [];
  if (high === undefined || low === undefined) return undefined;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join('.');
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits = ''] = network.split('/');
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

const hostOf = (url: string): string => new URL(url).hostname.replace(/^\[|\]$/g, '');

const forbidden = (host: string): string =>
  `${host} is an address of this host or of the network around it; the daemon's setting notifications.allow can allow it`;
