import type { Caller } from './caller.js';
import type { AccessSettings, ApiContext } from './context.js';

/**
 * Why jobs of a user can't run as an account of this host; null: they can.
 */
export function whyNoAccount(
  { runsAs, accountNamed }: AccessSettings,
  user: string,
  account: string,
): string | null {
  if (runsAs.uid !== 0) {
    return `berthd runs as ${runsAs.name}, not as root, so all jobs run as ${runsAs.name}; it cannot run those of ${user} as ${account}`;
  }
  const found = accountNamed(account);
  if (!found) return `this host has no account ${account}`;
  if (found.uid === 0)
    return `jobs do not run as root; name users in the daemon's setting rootJobs for whom they do`;
  return null;
}

/**
 * As which account the jobs of a user run, and where that one is at home; or why they can't run here.
 * @param caller who submits; undefined: Berth itself
 */
export async function accountFor(
  user: string,
  { access, users, user: daemons }: ApiContext,
  caller?: Caller,
): Promise<{ account: string | null; home?: string; problem?: string }> {
  const { runsAs, rootJobs } = access;
  // Who asks for themselves has just been looked up.
  const isOwn = caller?.name === user && caller.by !== 'dataDirectory';
  const known = isOwn ? { ...caller, disabled: false } : user === daemons ? null : await users.get(user);
  if (known?.disabled) return { account: null, problem: `${user} may not use Berth any more; ask an admin` };
  const account = known?.unixAccount ?? null;
  if (account !== null && account !== runsAs.name) {
    const problem = whyNoAccount(access, user, account);
    return problem ? { account, problem } : { account, home: access.accountNamed(account)?.home ?? '/' };
  }
  if (runsAs.uid !== 0 || rootJobs.includes('*') || rootJobs.includes(user)) return { account: null };
  if (!known && user !== daemons) {
    const problem = `there is no user ${user}, and jobs of nobody known do not run as root; an admin can say: berth user add ${user} --unix-account NAME`;
    return { account: null, problem };
  }
  const problem = `${user} has no Unix account here, and jobs of ${user} do not run as root; an admin can say: berth user set ${user} --unix-account NAME`;
  return { account: null, problem };
}
