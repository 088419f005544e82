import type { Account } from '@berth/task-shim';
import { expect, it } from 'vitest';
import { accountFor, whyNoAccount } from './account.js';
import type { AccessSettings, ApiContext } from './context.js';

const account = (name: string, uid: number, home: string): Account => {
  return { name, uid, gid: uid, home, shell: '/bin/sh', groups: [uid] };
};
const ACCOUNTS: Record<string, Account> = {
  root: account('root', 0, '/root'),
  toor: account('toor', 0, '/root'),
  ada: account('ada', 1000, '/home/ada'),
  berth: account('berth', 900, '/var/lib/berth'),
};

function settings(runsAs: { uid: number; name: string }, rootJobs = ['root']): AccessSettings {
  return { visibility: 'all', rootJobs, runsAs, accountNamed: (name) => ACCOUNTS[name] ?? null };
}
const asRoot = settings({ uid: 0, name: 'root' });
const asBerth = settings({ uid: 900, name: 'berth' });

it.each([
  [asRoot, 'ada', null],
  [asRoot, 'root', /jobs do not run as root/],
  [asRoot, 'toor', /jobs do not run as root/],
  [asRoot, 'eve', /no account eve/],
  [asBerth, 'ada', /berthd runs as berth, not as root, so all jobs run as berth/],
])('%# whether jobs can run as %s', (access, account, why) => {
  const said = whyNoAccount(access, 'ada', account);
  if (why === null) expect(said).toBeNull();
  else expect(said).toMatch(why);
});

/** Of whom the ledger knows these accounts. */
function accountOf(user: string, access: AccessSettings, unixAccount: string | null, disabled = false) {
  const users = { get: async (name: string) => (name === 'ghost' ? null : { unixAccount, disabled }) };
  return accountFor(user, { access, users, user: access.runsAs.name } as unknown as ApiContext);
}

it('jobs run as the account of their user, at home there', async () => {
  expect(await accountOf('ada', asRoot, 'ada')).toEqual({ account: 'ada', home: '/home/ada' });
});

it("jobs of a user without an account run as the daemon's own, but as root only for those who are named", async () => {
  expect(await accountOf('eve', asBerth, null)).toEqual({ account: null });
  expect(await accountOf('berth', asBerth, null)).toEqual({ account: null });
  expect((await accountOf('eve', asRoot, null)).problem).toMatch(/eve has no Unix account here/);
  expect((await accountOf('ghost', asRoot, null)).problem).toMatch(/no user ghost.* berth user add ghost/);
  expect(await accountOf('ghost', asBerth, null)).toEqual({ account: null });
  expect(await accountOf('root', asRoot, null)).toEqual({ account: null });
  expect(await accountOf('eve', settings(asRoot.runsAs, ['eve']), null)).toEqual({ account: null });
  expect(await accountOf('eve', settings(asRoot.runsAs, ['*']), null)).toEqual({ account: null });
  expect((await accountOf('root', settings(asRoot.runsAs, []), null)).problem).toMatch(/do not run as root/);
});

it('a mapping that has become impossible is said, not passed over', async () => {
  expect((await accountOf('ada', asBerth, 'ada')).problem).toMatch(/runs as berth, not as root/);
  expect((await accountOf('ada', asRoot, 'gone')).problem).toMatch(/no account gone/);
});

it('whoever is disabled gets no job by a schedule either', async () => {
  expect((await accountOf('ada', asRoot, 'ada', true)).problem).toMatch(/may not use Berth any more/);
});
