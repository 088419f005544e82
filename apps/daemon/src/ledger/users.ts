import {
  type RegisteredUser,
  RegisteredUserSchema,
  type Role,
  type Token,
  type TokenId,
  TokenSchema,
  type UserChange,
} from '@berth/contract';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { repliesTo } from '../redis/pipeline.js';
import { type DamagedRecord, Damages, issueIn, isThere, readRecord } from './damage.js';
import { type Idempotency, keyArguments } from './idempotency.js';
import { KEYS } from './keys.js';
import { loadScripts, type RunScript } from './scripts.js';

export interface NewTokenRecord {
  id: TokenId;
  user: string;
  name: string;
  /** SHA-256 of the token, as hexadecimal digits: all that is kept of it. */
  digest: string;
  /** What it was made of beside its Idempotency-Key. */
  seed: string;
  idempotency: Idempotency | null;
  /** ms since the epoch; null: never. */
  expiresAt: number | null;
}

/** A user as far as permissions and the running of jobs go. */
export interface KnownUser {
  name: string;
  role: Role;
  unixAccount: string | null;
}

/** The truth about who may use Berth. Nothing of it is kept in memory: a token that was revoked opens nothing from then on. */
export class UserLedger {
  private readonly run: RunScript;
  private readonly redis: Redis;
  private readonly damages: Damages;

  /** @param damages is told of what can't be read */
  constructor(redis: Redis, damages = new Damages()) {
    this.redis = redis;
    this.run = loadScripts(redis);
    this.damages = damages;
  }

  /**
   * @returns whether the same was asked for before, with this Idempotency-Key
   * @throws LedgerRefusal `exists`, `idempotency_conflict`
   */
  async add(
    { name, role, unixAccount }: KnownUser,
    idempotency: Idempotency | null = null,
  ): Promise<{ replayed: boolean }> {
    const made = crypto.randomUUID();
    const key = keyArguments(idempotency);
    const { outcome } = await this.run('add_user', name, name, role, unixAccount ?? '', made, ...key);
    return { replayed: outcome === 'replayed' };
  }

  /** @throws LedgerRefusal `not_found` */
  async change(name: string, { role, unixAccount, disabled }: UserChange): Promise<void> {
    const fields = [
      ...(role === undefined ? [] : ['role', role]),
      ...(unixAccount === undefined ? [] : ['unixAccount', unixAccount ?? '']),
      ...(disabled === undefined ? [] : ['disabled', disabled ? '1' : '']),
    ];
    await this.run('change_user', name, name, ...fields);
  }

  /** Removes a user and their tokens; their jobs stay. @throws LedgerRefusal `not_found` */
  async remove(name: string): Promise<void> {
    await this.run('remove_user', name, name);
  }

  /**
   * @returns its id and seed, or those of the token that was made with the same Idempotency-Key
   * @throws LedgerRefusal `not_found` (the user), `idempotency_conflict`
   */
  async addToken(token: NewTokenRecord): Promise<{ id: TokenId; seed: string; replayed: boolean }> {
    const { id, user, name, digest, seed, idempotency, expiresAt } = token;
    const argv = [id, user, name, digest, expiresAt ?? '', seed, ...keyArguments(idempotency)];
    const { outcome, values } = await this.run('add_token', id, ...argv);
    return { id: values[0] as TokenId, seed: values[1] as string, replayed: outcome === 'replayed' };
  }

  /** @throws LedgerRefusal `not_found` */
  async revokeToken(id: TokenId): Promise<void> {
    await this.run('revoke_token', id, id);
  }

  /**
   * Whose token has this digest.
   * @throws LedgerRefusal `not_found`, `expired`, `disabled` (the user)
   */
  async useToken(digest: string): Promise<KnownUser & { token: TokenId; expiresAt: number | null }> {
    const { values } = await this.run('use_token', 'a token', digest);
    const [token, expiresAt, name, role, unixAccount] = values as [TokenId, string, string, Role, string];
    return {
      name,
      role,
      unixAccount: unixAccount || null,
      token,
      expiresAt: expiresAt === '' ? null : Number(expiresAt),
    };
  }

  /**
   * The user who has come by the unix socket.
   * @param make the Unix account of one who is made where there is none of that name; undefined: none is made
   * @throws LedgerRefusal `not_found`, `disabled`
   */
  async useSocket(name: string, make: { unixAccount: string | null } | undefined): Promise<KnownUser> {
    const { values } = await this.run('use_socket', name, name, make ? 1 : '', make?.unixAccount ?? '');
    const [role, unixAccount] = values as [Role, string];
    return { name, role, unixAccount: unixAccount || null };
  }

  /** @throws DamagedRecord */
  async get(name: string): Promise<RegisteredUser | null> {
    const [found] = await this.read(readUser, KEYS.user, [name]);
    return this.damages.demand('user', name, found?.[1] ?? null);
  }

  /** All of them, by name; those that can't be read are left out. */
  async all(): Promise<RegisteredUser[]> {
    const names = await this.redis.smembers(KEYS.users);
    return this.damages.sift('user', await this.read(readUser, KEYS.user, names.sort()));
  }

  /** @throws DamagedRecord */
  async token(id: TokenId): Promise<Token | null> {
    const [found] = await this.read(readToken, KEYS.token, [id]);
    return this.damages.demand('token', id, found?.[1] ?? null);
  }

  /** A user's tokens, oldest first; those that can't be read are left out. */
  async tokensOf(name: string): Promise<Token[]> {
    const ids = await this.redis.smembers(KEYS.tokensOfUser(name));
    return this.damages.sift('token', await this.read(readToken, KEYS.token, ids.sort()));
  }

  private async read<Thing>(
    read: Read<Thing>,
    keyOf: (id: string) => string,
    ids: readonly string[],
  ): Promise<[string, Thing | DamagedRecord | null][]> {
    const pipeline = this.redis.pipeline();
    for (const id of ids) pipeline.hgetall(keyOf(id));
    const hashes = await repliesTo<Record<string, string>>(pipeline);
    return hashes.map((hash, i) => {
      const id = ids[i] as string;
      return [id, isThere(hash) ? read(id, hash) : null];
    });
  }
}

type Read<Thing> = (id: string, hash: Record<string, string>) => Thing | DamagedRecord;

const DigestSchema = z.hex('no digest').length(64);

const time = (milliseconds: string): string => new Date(Number(milliseconds)).toISOString();

/** A user who is there. */
export const readUser: Read<RegisteredUser> = (name, hash) =>
  readRecord(
    'user',
    { id: name, own: hash.name },
    () => userFromHash(hash),
    (user) => issueIn(RegisteredUserSchema, user),
  );

/** A token that is there. */
export const readToken: Read<Token> = (id, hash) =>
  readRecord(
    'token',
    { id, own: hash.id },
    () => tokenFromHash(hash),
    (token) => issueIn(TokenSchema, token) ?? issueIn(DigestSchema, hash.digest),
  );

function userFromHash(hash: Record<string, string>): RegisteredUser {
  return {
    name: hash.name as string,
    role: hash.role as Role,
    disabled: hash.disabled === '1',
    unixAccount: hash.unixAccount || null,
    createdAt: time(hash.createdAt as string),
  };
}

function tokenFromHash(hash: Record<string, string>): Token {
  return {
    id: hash.id as TokenId,
    user: hash.user as string,
    name: hash.name as string,
    createdAt: time(hash.createdAt as string),
    expiresAt: hash.expiresAt ? time(hash.expiresAt) : null,
    lastUsedAt: hash.lastUsedAt ? time(hash.lastUsedAt) : null,
  };
}
