import { createHash } from 'node:crypto';
import { makeJobId } from '@berth/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { KEYS } from '../../apps/daemon/dist/ledger/keys.js';
import { LedgerRefusal } from '../../apps/daemon/dist/ledger/refusal.js';
import { type NewTokenRecord, UserLedger } from '../../apps/daemon/dist/ledger/users.js';
import { RedisServer } from '../support/redis-server.js';

let server: RedisServer;
let users: UserLedger;
let name: string;

beforeAll(async () => {
  server = await RedisServer.start();
  users = new UserLedger(server.connect());
});
afterAll(() => server.stop());
beforeEach(async () => {
  name = `u${crypto.randomUUID().slice(0, 8)}`;
  await users.add({ name, role: 'user', unixAccount: null });
});

const digestOf = (token: string): string => createHash('sha256').update(token).digest('hex');
const tokenId = (): string =>
  makeJobId(Date.now(), (bytes) => crypto.getRandomValues(bytes)).replace('job_', 'tok_');

const newToken = (token: string, more: Partial<NewTokenRecord> = {}): NewTokenRecord => {
  const known = {
    id: tokenId(),
    user: name,
    name: 'laptop',
    digest: digestOf(token),
    seed: `seed of ${token}`,
  };
  return { ...known, idempotency: null, expiresAt: null, ...more };
};

async function add(token: string, expiresAt: number | null = null): Promise<string> {
  return (await users.addToken(newToken(token, { expiresAt }))).id;
}

const everything = (): Promise<string[]> => server.everything();

async function refused(transition: () => Promise<unknown>, code: string): Promise<void> {
  const before = await everything();
  await expect(transition()).rejects.toSatisfy(
    (error) => error instanceof LedgerRefusal && error.code === code,
  );
  expect(await everything()).toEqual(before);
}

describe('a user', () => {
  it('is there once', async () => {
    await refused(() => users.add({ name, role: 'admin', unixAccount: null }), 'exists');
    expect(await users.get(name)).toMatchObject({ name, role: 'user', unixAccount: null, disabled: false });
    expect((await users.all()).map((user) => user.name)).toContain(name);
  });

  it('is changed in what is named, and nothing else', async () => {
    await users.change(name, { unixAccount: 'ada' });
    await users.change(name, { role: 'viewer' });
    expect(await users.get(name)).toMatchObject({ role: 'viewer', unixAccount: 'ada' });
    const before = await everything();
    await users.change(name, { role: 'viewer', unixAccount: 'ada', disabled: false });
    expect(await everything()).toEqual(before);
  });

  it('who is not there can be neither changed nor removed nor given a token', async () => {
    await refused(() => users.change('nobody', { role: 'admin' }), 'not_found');
    await refused(() => users.remove('nobody'), 'not_found');
    await refused(() => users.addToken(newToken('x', { user: 'nobody' })), 'not_found');
  });

  it('who is removed leaves no token behind', async () => {
    const id = await add('berth_gone');
    await users.remove(name);
    await refused(() => users.useToken(digestOf('berth_gone')), 'not_found');
    expect(await users.token(id)).toBeNull();
    // Only that it happened.
    const left = (await everything()).filter((dumped) => !dumped.startsWith(`${KEYS.events} `));
    expect(left.join()).not.toContain(name);
  });

  it('who is disabled gets in by no way, until they are enabled again', async () => {
    await add('berth_disabled');
    await users.change(name, { disabled: true });
    await refused(() => users.useToken(digestOf('berth_disabled')), 'disabled');
    await refused(() => users.useSocket(name, { unixAccount: null }), 'disabled');
    await users.change(name, { disabled: false });
    expect(await users.useToken(digestOf('berth_disabled'))).toMatchObject({ name });
  });
});

describe('a token', () => {
  it('says whose it is, and is kept as a digest only', async () => {
    const id = await add('berth_secret');
    expect(await users.useToken(digestOf('berth_secret'))).toEqual({
      name,
      role: 'user',
      unixAccount: null,
      token: id,
      expiresAt: null,
    });
    expect((await everything()).join()).not.toContain('berth_secret');
  });

  it('notes its last use to the minute, and writes no more often', async () => {
    const id = await add('berth_used');
    expect((await users.token(id))?.lastUsedAt).toBeNull();
    await users.useToken(digestOf('berth_used'));
    const used = (await users.token(id))?.lastUsedAt as string;
    expect(used).toMatch(/:00\.000Z$/);
    expect(Date.now() - Date.parse(used)).toBeLessThan(120_000);
    const before = await everything();
    await users.useToken(digestOf('berth_used'));
    if ((await users.token(id))?.lastUsedAt === used) expect(await everything()).toEqual(before);
  });

  it('that has expired opens nothing; one that will, does', async () => {
    await add('berth_old', Date.now() - 1);
    await refused(() => users.useToken(digestOf('berth_old')), 'expired');
    await add('berth_young', Date.now() + 60_000);
    expect(await users.useToken(digestOf('berth_young'))).toMatchObject({ name });
  });

  it('that is revoked opens nothing; the others go on', async () => {
    const first = await add('berth_first');
    await add('berth_second');
    await users.revokeToken(first);
    await refused(() => users.useToken(digestOf('berth_first')), 'not_found');
    await refused(() => users.revokeToken(first), 'not_found');
    expect(await users.useToken(digestOf('berth_second'))).toMatchObject({ name });
    expect(await users.tokensOf(name)).toHaveLength(1);
  });

  it('that is sent twice is one', async () => {
    const token = newToken('berth_twice');
    await users.addToken(token);
    const before = await everything();
    await users.addToken(token);
    expect(await everything()).toEqual(before);
  });

  it('that is asked for again with its key is the first one, and what it was made of is told', async () => {
    const idempotency = { key: crypto.randomUUID(), digest: 'a' };
    const first = await users.addToken(newToken('berth_one', { idempotency }));
    const before = await everything();
    const again = await users.addToken(newToken('berth_other', { idempotency }));
    expect(again).toEqual({ ...first, seed: 'seed of berth_one', replayed: true });
    expect(await everything()).toEqual(before);
    const other = newToken('berth_other', { idempotency: { ...idempotency, digest: 'b' } });
    await refused(() => users.addToken(other), 'idempotency_conflict');
  });

  it('that was made without a key keeps nothing that it was made of', async () => {
    await add('berth_unkeyed');
    expect((await everything()).join()).not.toContain('seed of berth_unkeyed');
  });
});

describe('by the unix socket', () => {
  it('comes a user who is made at the first time, with their account', async () => {
    const unixName = `x${name}`;
    await refused(() => users.useSocket(unixName, undefined), 'not_found');
    const known = { name: unixName, role: 'user', unixAccount: unixName };
    expect(await users.useSocket(unixName, { unixAccount: unixName })).toEqual(known);
    const before = await everything();
    expect(await users.useSocket(unixName, { unixAccount: 'another' })).toEqual(known);
    expect(await everything()).toEqual(before);
  });

  it('comes one who was there already as what they are', async () => {
    await users.change(name, { role: 'viewer', unixAccount: 'ada' });
    expect(await users.useSocket(name, { unixAccount: name })).toEqual({
      name,
      role: 'viewer',
      unixAccount: 'ada',
    });
  });
});
