import type { Socket } from 'node:net';
import { UserSchema } from '@berth/contract';
import { type Account, accountOf, peerOf } from '@berth/task-shim';
import { LedgerRefusal } from '../ledger/refusal.js';
import type { UserLedger } from '../ledger/users.js';
import type { Caller } from './caller.js';
import type { LetIn } from './known-callers.js';
import { ApiProblem } from './problem.js';

/** How long the name of an account is believed: asking for it may go over a network. */
const NAMES_KEPT_MS = 60_000;

interface Options {
  users: UserLedger;
  /** `auto`: whoever has an account of this host is a user. */
  socketUsers: 'auto' | 'known';
  /** The account that the daemon runs as. */
  runsAs: { uid: number; name: string };
}

/**
 * Knows who has come by the unix socket: the kernel says which account has connected. Root and the daemon's own account could read
 * the admin's token anyway, so they are admins.
 */
export class Peers {
  private readonly sockets = new WeakMap<Socket, number>();
  private readonly names = new Map<number, { account: Account | null; until: number }>();
  private readonly options: Options;

  constructor(options: Options) {
    this.options = options;
  }

  /** Notes who has connected. */
  welcome(socket: Socket): void {
    const peer = peerOf(socket);
    if (peer) this.sockets.set(socket, peer.uid);
    else socket.destroy();
  }

  /** The number of the account at the other end of the unix socket; undefined: this connection didn't come by it. */
  uidBehind(socket: Socket): number | undefined {
    return this.sockets.get(socket);
  }

  /** null: this connection didn't come by the unix socket. @throws ApiProblem `forbidden` */
  async callerBehind(socket: Socket, letIn: LetIn): Promise<Caller | null> {
    const uid = this.sockets.get(socket);
    if (uid === undefined) return null;
    const { runsAs, users, socketUsers } = this.options;
    const by = { by: 'socket', token: null, expiresAt: null } as const;
    if (uid === 0 || uid === runsAs.uid) {
      const name = uid === runsAs.uid ? runsAs.name : 'root';
      return { ...by, name, role: 'admin', unixAccount: null };
    }
    const name = this.account(uid)?.name;
    if (name === undefined || !UserSchema.safeParse(name).success) {
      const who = name === undefined ? `account ${uid}, which has no name` : `account ${name}`;
      throw new ApiProblem('forbidden', `This host's ${who} can be no user of Berth; use a token`);
    }
    // Where the daemon isn't root, all jobs run as its own account anyway.
    const make = socketUsers === 'auto' ? { unixAccount: runsAs.uid === 0 ? name : null } : undefined;
    try {
      return await letIn(`account ${uid}`, async () => ({ ...by, ...(await users.useSocket(name, make)) }));
    } catch (error) {
      if (!(error instanceof LedgerRefusal)) throw error;
      const why = error.code === 'disabled' ? 'may not use Berth any more' : 'is no user of Berth';
      throw new ApiProblem('forbidden', `${name} ${why}; ask an admin`);
    }
  }

  private account(uid: number): Account | null {
    const known = this.names.get(uid);
    if (known && known.until > Date.now()) return known.account;
    const account = accountOf(uid);
    this.names.set(uid, { account, until: Date.now() + NAMES_KEPT_MS });
    return account;
  }
}
