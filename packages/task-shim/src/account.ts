import type { Socket } from 'node:net';
import { type Account, native } from './native.js';

export type { Account };

/** Who is at the other end of a unix socket, as the kernel noted it when they connected. */
export interface Peer {
  pid: number;
  uid: number;
  gid: number;
}

/** null: it isn't connected by a unix socket. */
export function peerOf(socket: Socket): Peer | null {
  const fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd;
  return fd === undefined || fd < 0 ? null : native.peerCredentials(fd);
}

/** An account of this host by its name; null: there is none. Asks whatever the host asks (files, LDAP). */
export function accountNamed(name: string): Account | null {
  return name === '' ? null : native.accountOf(name);
}

/** An account of this host by its number; null: there is none. */
export function accountOf(uid: number): Account | null {
  return native.accountOf(uid);
}
