import type { RegisteredUser, Token } from '@berth/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { berth, Status, StubDaemon } from '../stub-daemon.test-support.js';

const ada: RegisteredUser = {
  name: 'ada',
  role: 'user',
  disabled: false,
  unixAccount: 'adal',
  createdAt: '2026-11-21T02:00:00.000Z',
};
const laptop: Token = {
  id: 'tok_01k3v9q2m8fz4c7w1xkt5',
  user: 'ada',
  name: 'lap\u001btop',
  createdAt: '2026-11-21T02:00:00.000Z',
  expiresAt: null,
  lastUsedAt: null,
};

let daemon: StubDaemon;
beforeAll(async () => {
  daemon = await StubDaemon.start();
});
beforeEach(() => {
  daemon.seen.length = 0;
  daemon.routes = {
    'GET /v1/me': { name: 'ada' },
    'GET /v1/users': { items: [ada] },
    'POST /v1/users': new Status(201, ada),
    'PATCH /v1/users/ada': { ...ada, disabled: true },
    'DELETE /v1/users/ada': ada,
    'GET /v1/users/ada/tokens': { items: [laptop] },
    'POST /v1/users/ada/tokens': new Status(201, { ...laptop, token: 'berth_secret' }),
    [`DELETE /v1/tokens/${laptop.id}`]: laptop,
  };
});
afterAll(() => daemon.stop());

const sent = (): unknown => JSON.parse(daemon.seen.at(-1)?.body || 'null');

describe('berth user', () => {
  it('adds one with what was said, and leaves the rest to the daemon', async () => {
    const { stdout } = await berth(daemon, ['user', 'add', 'ada', '--unix-account', 'adal']);
    expect(sent()).toEqual({ name: 'ada', unixAccount: 'adal' });
    expect(stdout).toMatch(/^user ada is a user, whose jobs run as adal; berth token create -u ada/);
  });

  it.each([
    [['--role', 'viewer'], { role: 'viewer' }],
    [['--no-unix-account'], { unixAccount: null }],
    [['--disable'], { disabled: true }],
    [['--enable'], { disabled: false }],
  ])('set %j changes just that', async (flags, change) => {
    const { stdout, code } = await berth(daemon, ['user', 'set', 'ada', ...flags]);
    expect([code, sent()]).toEqual([0, change]);
    expect(stdout).toMatch(/^user ada is a user, whose jobs run as adal, and disabled/);
  });

  it('set asks for something to change, and refuses a role that there is not', async () => {
    expect(await berth(daemon, ['user', 'set', 'ada'])).toMatchObject({ code: 2, stdout: '' });
    expect((await berth(daemon, ['user', 'set', 'ada', '--role', 'king'])).stderr).toMatch(
      /admin, user, viewer/,
    );
    expect(daemon.seen).toEqual([]);
  });

  it('lists them, and removes them', async () => {
    expect((await berth(daemon, ['user'])).stdout).toMatch(/ada +user +adal/);
    expect((await berth(daemon, ['user', 'rm', 'ada'])).stdout).toMatch(/user ada is removed/);
    expect(JSON.parse((await berth(daemon, ['user', 'ls', '--json'])).stdout)).toEqual({ items: [ada] });
  });
});

describe('berth token', () => {
  it('create prints the bare token for a script, and says the rest to people', async () => {
    const { stdout, stderr } = await berth(daemon, ['token', 'create', '-n', 'laptop', '--expires', '90d']);
    expect(sent()).toEqual({ name: 'laptop', expiresIn: '90d' });
    expect(stdout).toBe('berth_secret\n');
    expect(stderr).toMatch(/never expires; it is shown this once/);
  });

  it("lists one's own or another's, harmlessly, and revokes by id", async () => {
    const { stdout } = await berth(daemon, ['token', 'ls']);
    expect(stdout).toMatch(/tok_\w+ +lap\u{FFFD}top +ada/u);
    expect((await berth(daemon, ['token', 'ls', '-u', 'ada'])).stdout).toBe(stdout);
    expect((await berth(daemon, ['token', 'revoke', laptop.id])).stdout).toMatch(/is revoked$/m);
  });
});
