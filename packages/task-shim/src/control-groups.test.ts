import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  baseOfGroups,
  type ControlGroups,
  endTaskGroup,
  groupFacts,
  limitFiles,
  makeTaskGroup,
  mountOfGroups,
  NoControlGroups,
  openControlGroups,
  ownGroup,
} from './control-groups.js';
import { isAlive, Task } from './task.test-support.js';

const UNIFIED =
  '35 24 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate';
const HYBRID = [
  '30 24 0:25 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755',
  '31 30 0:26 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
  '32 30 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
].join('\n');
const OLD = '32 30 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory';

describe('where groups can be made', () => {
  it.each([
    [UNIFIED, '/sys/fs/cgroup'],
    [HYBRID, '/sys/fs/cgroup/unified'],
    [OLD, null],
    ['', null],
  ])('is read from the mounts: %#', (mounts, expected) => {
    expect(mountOfGroups(mounts)).toBe(expected);
  });

  it('and from our own membership, beside those of cgroup v1', () => {
    expect(ownGroup('0::/system.slice/berthd.service/berthd\n')).toBe('/system.slice/berthd.service/berthd');
    expect(ownGroup('9:name=systemd:/\n4:memory:/x\n0::/\n')).toBe('/');
    expect(ownGroup('4:memory:/x\n')).toBeNull();
  });

  const base = (membership: string, isRoot: boolean, wish: string | null = null, mounts = UNIFIED): string =>
    baseOfGroups({ mounts, membership, isRoot }, wish);

  it('is what was delegated to us, the root for root, or what somebody wants', () => {
    const delegated = '0::/system.slice/berthd.service/berthd\n';
    expect(base(delegated, false)).toBe('/sys/fs/cgroup/system.slice/berthd.service');
    expect(base(delegated, true)).toBe('/sys/fs/cgroup/system.slice/berthd.service');
    expect(base('0::/user.slice\n', true)).toBe('/sys/fs/cgroup');
    expect(base('0::/\n', true, '/lab.slice', HYBRID)).toBe('/sys/fs/cgroup/unified/lab.slice');
  });

  it('is nowhere without delegation, and without cgroup v2; what to do is said', () => {
    expect(() => base('0::/user.slice/user-1000.slice/session-1.scope\n', false)).toThrow(/Delegate=yes/);
    expect(() => base('4:memory:/\n', true, null, OLD)).toThrow(/cgroup v2 is not mounted/);
  });
});

it('limits are written as the kernel reads them, as far as it has their controllers', () => {
  const limits = { memoryBytes: 2 ** 30, cpus: 1.5, processes: 100 };
  expect(limitFiles(limits, ['memory', 'cpu', 'pids'])).toEqual([
    ['memory.max', '1073741824'],
    ['memory.swap.max', '0'],
    ['cpu.max', '150000 100000'],
    ['pids.max', '100'],
  ]);
  expect(limitFiles(limits, ['pids'])).toEqual([['pids.max', '100']]);
  expect(limitFiles({ memoryBytes: null, cpus: 0.001, processes: null }, ['cpu'])).toEqual([
    ['cpu.max', '1000 100000'],
  ]);
});

const NO_LIMITS = { memoryBytes: null, cpus: null, processes: null };
const found = ((): ControlGroups | NoControlGroups => {
  try {
    return openControlGroups(baseOfGroups(groupFacts(), null));
  } catch (error) {
    if (error instanceof NoControlGroups) return error;
    throw error;
  }
})();
const here = found instanceof NoControlGroups ? null : found;
const why = found instanceof NoControlGroups ? `: ${found.message}` : '';
const can = (controller: 'memory' | 'cpu' | 'pids'): boolean =>
  here?.controllers.includes(controller) ?? false;

describe.skipIf(!here)(`a task in a control group${why}`, () => {
  const groups = here as ControlGroups;
  const attempt = `job_test${process.pid}.1`;
  afterAll(() => {
    expect(readdirSync(groups.directory).filter((name) => name.startsWith(attempt))).toEqual([]);
  });

  it('is in it with all that it starts, and the group is gone after it', async () => {
    const task = new Task();
    const controlGroup = makeTaskGroup(groups, attempt, 0, NO_LIMITS);
    const exit = await task.run('cat /proc/self/cgroup; (setsid cat /proc/self/cgroup)', { controlGroup });
    const lines = (await task.log()).toString().match(/^0::.*$/gm);
    expect(lines).toEqual(Array(2).fill(expect.stringContaining(`/berth/${attempt}/0`)));
    expect(exit).toMatchObject({ exitCode: 0, group: { oomKills: 0, memoryLimitHits: 0, forksRefused: 0 } });
    expect(existsSync(controlGroup)).toBe(false);
  });

  it('whose group is not there is not started', async () => {
    const exit = await new Task().run('true', { controlGroup: join(groups.directory, 'nowhere', '0') });
    expect(exit?.launchError).toMatchObject({ step: 'control_group', errno: 'ENOENT' });
  });

  it('leaves nothing that hid itself from everybody, once its shim was killed', async () => {
    const task = new Task();
    const controlGroup = makeTaskGroup(groups, attempt, 0, NO_LIMITS);
    // In a session of its own, without parent and environment: no list of processes tells whose it is.
    await task.shell('env -i setsid sh -c "echo \\$\\$ > hidden; exec sleep 1000" & sleep 1000', {
      controlGroup,
    }).ready;
    const hidden = Number(await task.written('hidden'));
    task.signal('SIGKILL');
    await task.ended();
    expect(isAlive(hidden)).toBe(true);
    await endTaskGroup(controlGroup);
    expect(isAlive(hidden)).toBe(false);
    expect(existsSync(controlGroup)).toBe(false);
  });

  it('is killed as a whole, however fast it forks', async () => {
    const task = new Task();
    const controlGroup = makeTaskGroup(groups, attempt, 0, NO_LIMITS);
    await task.shell('echo up > up; while :; do (setsid sleep 1000 &) ; done', { controlGroup }).ready;
    await task.written('up');
    task.signal('SIGQUIT');
    expect(await task.ended()).toMatchObject({ signal: 'SIGKILL' });
    expect(existsSync(controlGroup)).toBe(false);
  });

  it.skipIf(!can('memory'))('is killed at its limit of memory, which its record tells', async () => {
    const controlGroup = makeTaskGroup(groups, attempt, 0, { ...NO_LIMITS, memoryBytes: 64 * 2 ** 20 });
    const exit = await new Task().run('head -c 200000000 /dev/zero | tail', { controlGroup });
    expect(exit).toMatchObject({ signal: 'SIGKILL', group: { oomKills: expect.any(Number) } });
    expect(exit?.group?.oomKills).toBeGreaterThan(0);
    expect(exit?.group?.memoryLimitHits).toBeGreaterThan(0);
    expect(exit?.group?.memoryPeakBytes).toBeGreaterThan(32 * 2 ** 20);
  });

  it.skipIf(!can('pids'))('forks no more than it may, and its record counts what was refused', async () => {
    const controlGroup = makeTaskGroup(groups, attempt, 0, { ...NO_LIMITS, processes: 5 });
    const exit = await new Task().run('for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2 & done; wait', {
      controlGroup,
    });
    expect(exit?.group?.forksRefused).toBeGreaterThan(0);
  });

  it.skipIf(!can('cpu'))('gets no more of the processors than it may', async () => {
    const controlGroup = makeTaskGroup(groups, attempt, 0, { ...NO_LIMITS, cpus: 0.1 });
    const exit = await new Task().run('timeout 1 sh -c "while :; do :; done"', { controlGroup });
    expect((exit?.userCpuSeconds ?? 9) + (exit?.systemCpuSeconds ?? 9)).toBeLessThan(0.5);
  });
});

it('a machine without groups runs tasks as ever', async () => {
  const exit = await new Task().run('cat /proc/self/cgroup');
  expect(exit).toMatchObject({ exitCode: 0, group: null });
  expect(readFileSync('/proc/self/cgroup', 'utf8')).toContain(':');
});
