import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { accountNamed, accountOf, readStartRecord } from './index.js';
import { isAlive, Task } from './task.test-support.js';

const nobody = accountNamed('nobody');
const isRoot = process.getuid?.() === 0;

it('accounts of this host are found by name and by number', () => {
  expect(accountNamed('root')).toMatchObject({
    name: 'root',
    uid: 0,
    gid: 0,
    groups: expect.arrayContaining([0]),
  });
  expect(accountOf(0)?.home).toBe(accountNamed('root')?.home);
  expect([accountNamed('no-such-account'), accountNamed(''), accountOf(4_294_967_294)]).toEqual([
    null,
    null,
    null,
  ]);
});

// Only root can become somebody else.
describe.skipIf(!isRoot || !nobody)('a command that runs as another account', () => {
  const account = nobody as NonNullable<typeof nobody>;
  const asNobody = { account, workingDirectory: '/' };

  it('is nobody else, by any of its numbers, and has no rights left', async () => {
    const task = new Task();
    await task.run('cat /proc/self/status; umask', {
      ...asNobody,
      account: { ...account, groups: [account.gid, 54321] },
    });
    const log = (await task.log()).toString();
    const numbers = (name: string): string[] | undefined =>
      new RegExp(`^${name}:\\s+(.*\\S)`, 'm').exec(log)?.[1]?.split(/\s+/);
    expect(numbers('Uid')).toEqual(Array(4).fill(String(account.uid)));
    expect(numbers('Gid')).toEqual(Array(4).fill(String(account.gid)));
    expect(numbers('Groups')?.sort()).toEqual([String(account.gid), '54321'].sort());
    for (const name of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'])
      expect(numbers(name)).toEqual(['0'.repeat(16)]);
    expect(log.trim().split('\n').at(-1)).toBe('0022');
  });

  it('has no way back', async () => {
    const task = new Task();
    const script =
      'import os\nfor f in (lambda: os.setuid(0), lambda: os.seteuid(0), lambda: os.setgid(0), lambda: os.setgroups([0])):\n  try: f(); print("back")\n  except PermissionError: print("no")';
    await task.start(['python3', '-c', script], asNobody).ready;
    await task.ended();
    expect((await task.log()).toString()).toBe('no\n'.repeat(4));
  });

  it('can neither forge how it ended, nor its log, nor take the lock, nor end its shim', async () => {
    const task = new Task();
    const { directory } = task;
    const attacks = [
      `echo '{"exitCode":0}' > ${directory}/exit.json`,
      `mv ${directory}/exit.json.new ${directory}/exit.json`,
      `echo x > ${directory}/tombstone`,
      `echo x >> ${directory}/output.0`,
      `rm -rf ${directory}/lock`,
      `cat ${directory}/start.json`,
      'kill -9 $PPID',
      'cat /proc/$PPID/environ',
      'ls /proc/$PPID/fd',
    ];
    const exit = await task.run(
      `${attacks.map((attack, i) => `( ${attack} ) && echo "attack ${i} got through"`).join('\n')}\nexit 7`,
      asNobody,
    );
    expect(exit).toMatchObject({ exitCode: 7, signal: null });
    expect((await task.log('stdout')).toString()).toBe('');
    expect(existsSync(join(directory, 'tombstone'))).toBe(false);
  });

  it('may open its own output anew', async () => {
    const task = new Task();
    await task.run('echo one > /dev/stdout; echo two > /dev/stderr', asNobody);
    expect((await task.log()).toString()).toBe('one\ntwo\n');
  });

  it('is refused as root, and where there is no such account', async () => {
    const root = new Task();
    expect(
      await root.shell('id', { account: { uid: 0, gid: 0, groups: [] }, workingDirectory: '/' }).ready,
    ).toBe('failed');
    await root.ended();
    expect(readStartRecord(root.directory)).toBeNull();
    const missing = await new Task().run('id', { account: 'missing', workingDirectory: '/' });
    expect(missing?.launchError).toMatchObject({ step: 'account', errno: 'ENOENT' });
  });

  it('enters no folder that its account may not', async () => {
    const exit = await new Task().run('id', { ...asNobody, workingDirectory: '/root' });
    expect(exit?.launchError).toMatchObject({ step: 'working_directory', errno: 'EACCES' });
  });

  it('is stopped like any other, with all that it has left behind', async () => {
    const task = new Task();
    const ignoring =
      "trap '' TERM; (setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' &) ; echo ready; while :; do sleep 1; done";
    await task.shell(ignoring, { ...asNobody, graceSeconds: 0.2 }).ready;
    await expect.poll(async () => (await task.log()).toString()).toBe('ready\n');
    expect(task.signal('SIGTERM')).toBe(true);
    expect(await task.ended()).toMatchObject({ signal: 'SIGKILL', killed: true });
  });

  it('dies with its shim', async () => {
    const task = new Task();
    await task.start(['sleep', '1000'], asNobody).ready;
    const { shimPid, pid } = readStartRecord(task.directory) as { shimPid: number; pid: number };
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(new RegExp(`^Uid:\\s+${account.uid}`, 'm'));
    process.kill(shimPid, 'SIGKILL');
    await task.ended();
    await expect.poll(() => isAlive(pid)).toBe(false);
  });
});
