import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  openLog,
  readExitRecord,
  readStartRecord,
  shimPath,
  sweepTask,
  tryLock,
  writeTombstone,
} from './index.js';
import { isAlive, STOPPED, statusOf, Task } from './task.test-support.js';

/** 0: gone, or a corpse. */
function threadsOf(pid: number): number {
  const status = statusOf(pid);
  const threads = Number(/^Threads:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  return /^State:\s+Z/m.test(status) && threads === 1 ? 0 : threads;
}

/** The pids of those that have this in their command line, as text. Without the sanitizers' runtime, under which pgrep hangs. */
function processesWith(words: string): string {
  return spawnSync('pgrep', ['-f', words], { env: { PATH: process.env.PATH } }).stdout.toString();
}

describe('how a task ended', () => {
  it.each([
    ['exit 0', { exitCode: 0, signal: null }],
    ['exit 7', { exitCode: 7, signal: null }],
    ['kill -9 $$', { exitCode: null, signal: 'SIGKILL' }],
    ['kill -SEGV $$', { exitCode: null, signal: 'SIGSEGV' }],
  ])('%s', async (script, expected) => {
    expect(await new Task().run(script)).toMatchObject({ ...expected, launchError: null, killed: false });
  });

  it('is told with times, memory and processor time', async () => {
    const before = Date.now();
    const task = new Task();
    const exit = await task.run('i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done');
    expect(exit?.startedAt).toBeGreaterThanOrEqual(before);
    expect(exit?.endedAt).toBeGreaterThanOrEqual(exit?.startedAt as number);
    expect(exit?.maxRssBytes).toBeGreaterThan(100_000);
    expect(exit?.userCpuSeconds).toBeGreaterThan(0);
  });

  it.each([
    ['a command that does not exist', { command: ['no-such-program'] }, { step: 'exec', errno: 'ENOENT' }],
    ['a file that may not be executed', { command: ['/etc/passwd'] }, { step: 'exec', errno: 'EACCES' }],
    [
      'a working directory that is gone',
      { workingDirectory: '/no/where' },
      { step: 'working_directory', errno: 'ENOENT' },
    ],
  ])('%s is a launch error', async (_name, more, launchError) => {
    const task = new Task();
    expect(await task.start(['/bin/true'], more).ready).toBe('failed');
    expect(await task.ended()).toMatchObject({ exitCode: null, signal: null, launchError });
  });
});

/** False: the host doesn't let us (it takes CAP_SYS_RESOURCE). */
function protectUs(score: string): boolean {
  try {
    writeFileSync('/proc/self/oom_score_adj', score);
    return true;
  } catch {
    return false;
  }
}

describe('the start', () => {
  it('is written down before the first instruction', async () => {
    const task = new Task();
    await task.run('cat start.json > seen; echo $$ > pid');
    expect(JSON.parse(readFileSync(join(task.directory, 'seen'), 'utf8'))).toEqual(
      readStartRecord(task.directory),
    );
    expect(readStartRecord(task.directory)?.pid).toBe(
      Number(readFileSync(join(task.directory, 'pid'), 'utf8')),
    );
  });

  it('happens at most once in a folder', async () => {
    const task = new Task();
    await task.run('echo once >> runs');
    await task.shell('echo twice >> runs').ready;
    await task.ended();
    expect(readFileSync(join(task.directory, 'runs'), 'utf8')).toBe('once\n');
  });

  it.each([
    ["the lock is somebody else's", 75, (directory: string) => tryLock(join(directory, 'lock'))],
    ['there is a tombstone', 76, writeTombstone],
    [
      'it has been started before',
      77,
      (directory: string) => writeFileSync(join(directory, 'start.json'), '{}'),
    ],
  ])('by hand is refused where %s', (_name, status, prepare) => {
    const { directory } = new Task();
    prepare(directory);
    const run = spawnSync(shimPath, [
      '--dir',
      directory,
      '--cwd',
      '/',
      '--',
      'touch',
      join(directory, 'ran'),
    ]);
    expect(run.status).toBe(status);
    expect(existsSync(join(directory, 'ran'))).toBe(false);
  });

  it('by hand takes the lock itself, and knows the exit code also under a parent that ignores SIGCHLD', () => {
    const { directory } = new Task();
    const ignore =
      'import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])';
    const shim = [shimPath, '--dir', directory, '--cwd', '/', '--', 'sh', '-c', 'exit 7'];
    expect(spawnSync('/usr/bin/python3', ['-c', ignore, ...shim]).status).toBe(0);
    expect(readExitRecord(directory)?.exitCode).toBe(7);
  });

  it.each([
    ['--grace', 'soon'],
    ['--grace', '-1'],
    ['--log-limit', '1.5'],
    ['--lock-fd', ''],
  ])('is refused for %s %j', (name, value) => {
    const { directory } = new Task();
    const run = spawnSync(shimPath, ['--dir', directory, '--cwd', '/', name, value, '--', 'true']);
    expect(run.status).toBe(64);
    expect(readStartRecord(directory)).toBeNull();
  });

  it('never happens where there is a tombstone', async () => {
    const task = new Task();
    writeTombstone(task.directory);
    expect(await task.shell('echo alive > runs').ready).toBe('failed');
    expect(await task.ended()).toBeNull();
    expect(existsSync(join(task.directory, 'runs'))).toBe(false);
  });

  it('gives the command its environment and nothing of ours: no variable, no descriptor', async () => {
    const task = new Task();
    await task.run('env > environment; ls /proc/$$/fd > fds', {
      environment: { PATH: '/usr/bin:/bin', GREETING: 'hello' },
    });
    const lines = readFileSync(join(task.directory, 'environment'), 'utf8').trim().split('\n');
    expect(lines.filter((line) => !/^(PWD|_|SHLVL|OLDPWD)=/.test(line)).sort()).toEqual([
      'GREETING=hello',
      'PATH=/usr/bin:/bin',
    ]);
    // 10 is dash's own, for the script that it reads.
    expect(
      readFileSync(join(task.directory, 'fds'), 'utf8')
        .trim()
        .split('\n')
        .filter((fd) => Number(fd) > 2 && fd !== '10'),
    ).toEqual([]);
  });

  it('leaves the command no signal blocked or ignored', async () => {
    const task = new Task();
    await task.start(['grep', '-E', '^Sig(Blk|Ign)', '/proc/self/status']).ready;
    await task.ended();
    expect(String(await task.log())).toMatch(/^SigBlk:\s+0+\nSigIgn:\s+0+\n$/);
  });

  it.runIf(protectUs('-100') && protectUs('0'))(
    'is itself kept from being killed for want of memory as we are, and the command is not',
    async () => {
      const task = new Task();
      protectUs('-100');
      await task.run('cat /proc/$PPID/oom_score_adj /proc/self/oom_score_adj');
      protectUs('0');
      expect(String(await task.log())).toBe('-100\n0\n');
    },
  );

  it('is in a session of its own, of no controlling terminal, and its shim no child of ours', async () => {
    const task = new Task();
    const { pid } = task.shell('echo ready > ready; exec sleep 60');
    await task.written('ready');
    const [, parent, , session] =
      / \((.*)\) \S (\d+) (\d+) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.slice(1) ?? [];
    expect(Number(parent)).not.toBe(process.pid);
    expect(Number(session)).toBe(pid);
    task.signal('SIGQUIT');
    await task.ended();
  });
});

describe('the end', () => {
  it('comes by SIGTERM, and the command may save its work', async () => {
    const task = new Task();
    task.shell('trap "echo saved > saved; exit 5" TERM; echo ready > ready; while :; do sleep 0.02; done');
    await task.written('ready');
    expect(task.signal('SIGTERM')).toBe(true);
    expect(await task.ended()).toMatchObject({
      exitCode: 5,
      killed: false,
      stopRequestedAt: expect.any(Number) as number,
    });
    expect(readFileSync(join(task.directory, 'saved'), 'utf8')).toBe('saved\n');
  });

  it.each(['sleep 60', 'setsid sleep 60'])(
    'comes by SIGTERM also for what is forked in that very moment: %s',
    async (program) => {
      const task = new Task();
      // Several shells, as fast as they can: a fork is always under way.
      const forking = `for n in $(seq 100); do ${program} & done; wait`;
      task.shell(`for shell in $(seq 8); do (${forking}) & done; echo ready > ready; wait`);
      await task.written('ready');
      task.signal('SIGTERM');
      expect(await task.ended()).toMatchObject({ signal: 'SIGTERM', killed: false });
    },
  );

  it('comes by SIGKILL for whoever ignores SIGTERM', async () => {
    const task = new Task();
    task.shell('trap "" TERM; echo ready > ready; while :; do sleep 0.02; done', { graceSeconds: 0.2 });
    await task.written('ready');
    const before = Date.now();
    task.signal('SIGTERM');
    expect(await task.ended()).toMatchObject({ signal: 'SIGKILL', killed: true });
    expect(Date.now() - before).toBeGreaterThanOrEqual(190);
  });

  it('wakes a stopped process for its SIGTERM', async () => {
    const task = new Task();
    task.shell(`${STOPPED} sleep 60`);
    await task.written('ready');
    task.signal('SIGTERM');
    expect(await task.ended()).toMatchObject({ signal: 'SIGTERM', killed: false });
  });

  it('leaves no process, also none that has made itself a daemon with closed files', async () => {
    const task = new Task();
    const daemon = `trap "" TERM; exec <&- >&- 2>&-; echo $$ > ${task.directory}/daemon; while :; do sleep 0.02; done`;
    task.shell(`( setsid sh -c '${daemon}' & ) ; echo ready > ready; sleep 60`, { graceSeconds: 0.2 });
    const pid = Number(await task.written('daemon'));
    task.signal('SIGTERM');
    expect((await task.ended())?.killed).toBe(true);
    expect(isAlive(pid)).toBe(false);
  });

  it('of the command ends what it left behind', async () => {
    const task = new Task();
    const exit = await task.run(
      `setsid sh -c 'echo $$ > left; exec sleep 60' & until [ -s left ]; do sleep 0.01; done; exit 3`,
    );
    expect(exit).toMatchObject({ exitCode: 3, leftoverProcesses: 1, killed: false });
    expect(isAlive(Number(readFileSync(join(task.directory, 'left'), 'utf8')))).toBe(false);
  });

  it('comes no later for leftovers because a stop follows', async () => {
    const task = new Task();
    // The command's pid is free once the shim has reaped it.
    const stubborn = `trap "" TERM; echo x > left; while kill -0 $0; do :; done 2>&-; echo x > ended; while :; do sleep 0.02; done`;
    task.shell(`setsid sh -c '${stubborn}' $$ & until [ -s left ]; do sleep 0.01; done`, {
      graceSeconds: 60,
      killAfterExitSeconds: 0.5,
    });
    await task.written('ended');
    task.signal('SIGTERM');
    expect(await task.ended()).toMatchObject({ killed: true });
  });

  it('comes also for a process whose main thread has ended', async () => {
    const task = new Task();
    const id = `job_threads.1.${process.pid}`;
    const headless = `
import ctypes, os, threading, time
pid = os.getpid()
def on():
    while open(f"/proc/{pid}/stat").read().split(") ")[1][0] != "Z": time.sleep(0.01)
    open("ready", "w").write(f"{pid}\\n")
    time.sleep(60)
threading.Thread(target=on).start()
ctypes.CDLL(None).pthread_exit(None)
`;
    writeFileSync(join(task.directory, 'headless.py'), headless);
    const { pid: shim } = task.shell('setsid python3 headless.py & wait', {
      environment: { PATH: '/usr/bin:/bin', BERTH_TASK_ID: id },
    });
    const pid = Number(await task.written('ready'));
    process.kill(shim, 'SIGKILL');
    await task.ended();
    // The command itself may still be dying.
    expect(await sweepTask(id)).toBeGreaterThan(0);
    expect(threadsOf(pid)).toBe(0);
  });

  it('wins against a fork bomb', async () => {
    const task = new Task();
    // Limited in number, and so in what it does to its host should it win. The limit doesn't hold for root.
    const bomb = `
import os, resource, time
open("ready", "w").write("x\\n")
if os.getuid() == 0: os.setuid(65534)
resource.setrlimit(resource.RLIMIT_NPROC, (300, 300))
end = time.time() + 20
while time.time() < end:
    try:
        if os.fork() == 0:
            time.sleep(0.01)
            if os.fork(): os._exit(0)
    except OSError: pass
    time.sleep(0.001)
`;
    task.start(['/usr/bin/python3', '-c', bomb, task.directory], { graceSeconds: 0 });
    await task.written('ready');
    task.signal('SIGTERM');
    expect(await task.ended()).toMatchObject({ killed: true });
    expect(processesWith(task.directory)).toBe('');
  });

  it('wins against processes that are never there for long: each forks and is gone', async () => {
    const task = new Task();
    // Forty chains at a time, and none goes on for more than ten seconds: a shim that loses must not take the host along.
    const chains = `
import os, time
end = time.time() + 10
for chain in range(40):
    if os.fork() == 0:
        while time.time() < end:
            if os.fork():
                os._exit(0)
        os._exit(0)
open("ready", "w").write("x\\n")
time.sleep(60)`;
    task.start(['/usr/bin/python3', '-c', chains, task.directory], { graceSeconds: 0 });
    await task.written('ready');
    task.signal('SIGTERM');
    expect(await task.ended()).toMatchObject({ killed: true });
    expect(processesWith(task.directory)).toBe('');
  });

  it('passes other signals on to every process', async () => {
    const task = new Task();
    task.shell(
      `trap "echo parent > parent" USR1; sh -c 'trap "echo child > child; exit" USR1; echo ready > ready; while :; do sleep 0.02; done' & wait; wait`,
    );
    await task.written('ready');
    task.signal('SIGUSR1');
    await task.ended();
    expect(readdirSync(task.directory)).toEqual(expect.arrayContaining(['child', 'parent']));
  });

  it('of the shim by SIGKILL takes the command with it, and a sweep the rest', async () => {
    const task = new Task();
    const id = `job_test.1.${process.pid}`;
    const environment = { PATH: process.env.PATH as string, BERTH_TASK_ID: id };
    const { pid: shim } = task.shell(
      `setsid sh -c 'echo $$ > stray; exec sleep 60' & echo $$ > command; wait`,
      { environment },
    );
    const [stray, command] = [Number(await task.written('stray')), Number(await task.written('command'))];
    process.kill(shim, 'SIGKILL');
    expect(await task.ended()).toBeNull();
    // The kernel lets go of the lock before it sends the command its signal.
    await expect.poll(() => isAlive(command)).toBe(false);
    expect(await sweepTask(`${id}0`)).toBe(0);
    expect(isAlive(stray)).toBe(true);
    expect(await sweepTask(id)).toBe(1);
    expect(isAlive(stray)).toBe(false);
  });
});

describe('the log', () => {
  it('has both streams in their order, and tells them apart', async () => {
    const task = new Task();
    await task.run(`say() { echo $1; until grep -qs $1 output.0; do sleep 0.01; done; }
      for i in 1 2 3; do say out$i; say err$i >&2; done`);
    expect(String(await task.log())).toBe('out1\nerr1\nout2\nerr2\nout3\nerr3\n');
    expect(String(await task.log('stdout'))).toBe('out1\nout2\nout3\n');
    expect(String(await task.log('stderr'))).toBe('err1\nerr2\nerr3\n');
  });

  it('passes on bytes that are no text', async () => {
    const task = new Task();
    await task.run(`printf '\\000\\377\\303'`);
    expect([...(await task.log())]).toEqual([0, 0xff, 0xc3]);
  });

  it('keeps the first and the newest within its limit, and says what is gone', async () => {
    const task = new Task();
    const exit = await task.run('seq -f "%015.0f" 1 2000000', { logLimitBytes: 4 << 20 });
    expect(exit?.logBytes).toBe(32_000_000);
    const kept = readdirSync(task.directory).filter((name) => name.startsWith('output.'));
    const bytes = kept.map((name) => readFileSync(join(task.directory, name)).length);
    expect(bytes.reduce((a, b) => a + b)).toBeLessThanOrEqual(4 << 20);

    const log = openLog(task.directory);
    expect(await log.size()).toBe(32_000_000);
    expect(String((await log.read(0, 16)).chunks[0]?.data)).toBe('000000000000001\n');
    const behind = await log.read(1 << 20, 16);
    expect(behind.skipped?.from).toBe(1 << 20);
    expect(await log.gaps()).toEqual([behind.skipped]);
    expect(await log.firstBytes()).toBe(1 << 20);
    const [chunk] = behind.chunks;
    expect(chunk?.offset).toBe(behind.skipped?.to);
    expect(Number(String(chunk?.data))).toBe((chunk?.offset as number) / 16 + 1);
    const tail = await log.tailOffset(2);
    expect(String((await log.read(tail, 100)).chunks[0]?.data)).toBe('000000001999999\n000000002000000\n');
  });

  it.each([
    ['a\nb\nc\n', 2, 'b\nc\n'],
    ['a\nb\nc', 2, 'b\nc'],
    ['a\n', 5, 'a\n'],
    ['a\n\n\n', 1, '\n'],
    ['', 3, ''],
    ['a\nb\n', 0, ''],
  ])('of %j has as its last %i lines %j', async (text, lines, expected) => {
    const task = new Task();
    writeFileSync(join(task.directory, 'text'), text);
    await task.run('cat text');
    const from = await openLog(task.directory).tailOffset(lines);
    expect(String(await task.log()).slice(from)).toBe(expected);
  });

  it.runIf(process.getuid?.() === 0)(
    'is cut, and the command goes on and its end is known, when the disk is full, and counts what it lost',
    async () => {
      const task = new Task();
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'berth', task.directory]);
      try {
        const exit = await task.run('seq 1 100000; exit 4');
        expect(exit?.exitCode).toBe(4);
        expect(exit?.logDroppedBytes).toBe(588_895 - (exit?.logBytes as number));
        expect(exit?.logDroppedBytes).toBeGreaterThan(0);
      } finally {
        // The shim lets go of its lock a moment before it lets go of the folder.
        execFileSync('umount', ['--lazy', task.directory]);
      }
    },
  );

  it('goes no further than the limit of file size that the shim runs under, which is no end of the task', async () => {
    const task = new Task();
    await task.shell('until [ -e go ]; do sleep 0.01; done; seq 100000; exit 7').ready;
    const shim = readStartRecord(task.directory)?.shimPid as number;
    execFileSync('prlimit', ['--pid', String(shim), '--fsize=8192']);
    writeFileSync(join(task.directory, 'go'), '');
    const exit = await task.ended();
    expect([exit?.exitCode, exit?.logBytes]).toEqual([7, 8192]);
    expect(exit?.logDroppedBytes).toBe(588_895 - 8192);
  });

  it('does not mind that a command closes its output', async () => {
    const task = new Task();
    // proc(5): what the shim took of the processors as user and in the kernel, in hundredths of a second.
    const look = 'cut -d " " -f 14,15 /proc/$PPID/stat >> looks';
    const exit = await task.run(`exec >&- 2>&-; ${look}; sleep 0.3; ${look}`);
    expect(exit?.exitCode).toBe(0);
    const looks = readFileSync(join(task.directory, 'looks'), 'utf8').split(/\s/).map(Number);
    const [user, kernel, userThen, kernelThen] = looks as [number, number, number, number];
    expect(userThen + kernelThen - user - kernel).toBeLessThan(5);
  });
});
