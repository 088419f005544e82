import { accessSync, constants, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/*
 * Control groups, version 2 (Linux: Documentation/admin-guide/cgroup-v2.rst). Below one group of ours each attempt has one, which its limits
 * are on, and in it each task one, which its processes are in:
 *
 *   <base>/berth/<job>.<attempt>/<rank>
 *
 * A group may have processes or hand controllers on to groups below it, not both. So the base has to be one that nobody is in: the
 * root of the hierarchy, or one that was delegated to us, with ourselves in a group below it.
 */

/** What of a job can be limited, as the kernel's controllers are called. */
export const CONTROLLERS = ['memory', 'cpu', 'pids'] as const;
export type Controller = (typeof CONTROLLERS)[number];

export interface Limits {
  memoryBytes: number | null;
  /** In cores. */
  cpus: number | null;
  processes: number | null;
}

/** Groups that tasks can be put into. */
export interface ControlGroups {
  /** The folder that attempts get theirs in. */
  directory: string;
  /** What may be limited there. */
  controllers: Controller[];
}

/** What the kernel says of us: `/proc/self/mountinfo`, `/proc/self/cgroup`, and who we are. */
export interface GroupFacts {
  mounts: string;
  membership: string;
  isRoot: boolean;
}

/** The group below a delegated one that berthd's unit puts it into (systemd: DelegateSubgroup). */
const OWN_SUBGROUP = 'berthd';
const OURS = 'berth';

/** Why there are no groups to be had; the message says what to do. */
export class NoControlGroups extends Error {
  override readonly name = 'NoControlGroups';
}

/** Where cgroup v2 is mounted (`/proc/self/mountinfo`, see proc(5)); null: nowhere. */
export function mountOfGroups(mounts: string): string | null {
  for (const line of mounts.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    if (after.startsWith('cgroup2 ')) return before.split(' ')[4] ?? null;
  }
  return null;
}

/** Our own group's path below the root (`/proc/self/cgroup`, see cgroups(7)); null: none is said. */
export function ownGroup(membership: string): string | null {
  return /^0::(\/.*)$/m.exec(membership)?.[1] ?? null;
}

/**
 * The group that ours is made in.
 * @param wish its path below the root, as somebody wants it; null: found out
 * @throws NoControlGroups
 */
export function baseOfGroups({ mounts, membership, isRoot }: GroupFacts, wish: string | null): string {
  const mount = mountOfGroups(mounts);
  if (mount === null)
    throw new NoControlGroups(
      'cgroup v2 is not mounted here (Linux 5.14 or later, booted with systemd.unified_cgroup_hierarchy=1, has it)',
    );
  if (wish !== null) return join(mount, wish);
  const own = ownGroup(membership);
  if (own?.endsWith(`/${OWN_SUBGROUP}`)) return join(mount, dirname(own));
  if (isRoot) return mount;
  throw new NoControlGroups(
    `no control group was delegated to berthd: run it by a systemd unit with Delegate=yes and DelegateSubgroup=${OWN_SUBGROUP} ` +
      '(systemd 254 or later; deploy/berthd.service does), or as root',
  );
}

/** What the kernel says of this process. */
export function groupFacts(): GroupFacts {
  return {
    mounts: readFileSync('/proc/self/mountinfo', 'utf8'),
    membership: readFileSync('/proc/self/cgroup', 'utf8'),
    isRoot: process.getuid?.() === 0,
  };
}

/**
 * Makes the group that attempts get theirs in, with all the controllers that can be had. Twice does no harm.
 * @throws NoControlGroups
 */
export function openControlGroups(base: string): ControlGroups {
  const directory = join(base, OURS);
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw new NoControlGroups(`no group can be made in ${base}: ${(error as Error).message}`);
  }
  handOn(base);
  handOn(directory);
  return { directory, controllers: controllersIn(join(directory, 'cgroup.subtree_control')) };
}

/** What `openControlGroups` would find, without making anything. @throws NoControlGroups */
export function surveyControlGroups(base: string): ControlGroups {
  try {
    accessSync(base, constants.W_OK);
    return { directory: join(base, OURS), controllers: controllersIn(join(base, 'cgroup.controllers')) };
  } catch (error) {
    throw new NoControlGroups(`no group can be made in ${base}: ${(error as Error).message}`);
  }
}

/**
 * Makes the group of a task, in that of its attempt with these limits.
 * @returns its folder
 * @throws where the system refuses
 */
export function makeTaskGroup(
  { directory, controllers }: ControlGroups,
  attempt: string,
  rank: number,
  limits: Limits,
): string {
  const group = join(directory, attempt);
  const task = join(group, String(rank));
  mkdirSync(group, { recursive: true });
  for (const [file, value] of limitFiles(limits, controllers)) writeFileSync(join(group, file), value);
  handOn(group);
  mkdirSync(task, { recursive: true });
  // One process that is killed leaves the others waiting: the whole task goes.
  if (controllers.includes('memory')) writeFileSync(join(task, 'memory.oom.group'), '1');
  return task;
}

/** What is written for limits, as far as the controllers are there. */
export function limitFiles(
  { memoryBytes, cpus, processes }: Limits,
  controllers: readonly Controller[],
): [file: string, value: string][] {
  const files: [Controller, string, string][] = [];
  if (memoryBytes !== null)
    files.push(['memory', 'memory.max', String(memoryBytes)], ['memory', 'memory.swap.max', '0']);
  if (cpus !== null) files.push(['cpu', 'cpu.max', `${Math.max(1000, Math.round(cpus * PERIOD))} ${PERIOD}`]);
  if (processes !== null) files.push(['pids', 'pids.max', String(processes)]);
  return files
    .filter(([controller]) => controllers.includes(controller))
    .map(([, file, value]) => [file, value]);
}

/** Until the kernel has taken killed processes apart. */
const DYING_MS = 10;
const MOST_TRIES = 300;
/** Microseconds: the kernel's own default. */
const PERIOD = 100_000;

/** Kills what is left in a task's group, and removes it. For a task whose shim can't any more. */
export async function endTaskGroup(task: string): Promise<void> {
  try {
    writeFileSync(join(task, 'cgroup.kill'), '1');
  } catch {
    return; // It is gone, or the kernel can't.
  }
  for (
    let tries = 0;
    tries < MOST_TRIES && readFileSync(join(task, 'cgroup.procs'), 'utf8') !== '';
    tries += 1
  )
    await sleep(DYING_MS);
  for (const group of [task, dirname(task)]) {
    try {
      rmdirSync(group);
    } catch {
      return; // Another task of the attempt is in it.
    }
  }
}

/** Lets the groups below have what controllers there are, each for itself: one that is refused takes none of the others along. */
function handOn(group: string): void {
  for (const controller of controllersIn(join(group, 'cgroup.controllers'))) {
    try {
      writeFileSync(join(group, 'cgroup.subtree_control'), `+${controller}`);
    } catch {
      // Then `controllers` doesn't have it.
    }
  }
}

function controllersIn(file: string): Controller[] {
  const there = readFileSync(file, 'utf8').trim().split(' ');
  return CONTROLLERS.filter((controller) => there.includes(controller));
}
