/**
 * Failpoints: places in daemon and worker where the fault harness may kill, stop or fail the process that comes by.
 *
 * This file is loaded before them (NODE_OPTIONS=--import) by the harness alone: what is shipped has no failpoints and
 * knows no switch for them. They lie at the seams that all effects go through: the scripts of the ledger and of the device
 * queues (`berth_claim.before`, `moveToActive.after`, ...), and the start of processes (`spawn.before`, `spawn.after`).
 * A shim is started under strace(1), which kills it at a system call: `shim.clone` before its command's process is there,
 * `shim.rename` before its exit record is, `shim.exit_group` after that, before it lets go of its lock.
 *
 * A file in the folder FAULTS_ARMED with the name of a point arms it for the first process that gets there. What is in
 * it happens: `kill`, `fail`, or a number: wait for so many milliseconds. Each process writes down in `passed` by which points of
 * scripts it came.
 */
import { appendFileSync, readFileSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const armed = process.env.FAULTS_ARMED;
const requireHere = createRequire(import.meta.url);

/** What is to happen here; null: nothing. Taken once. */
function take(point) {
  const taken = join(armed, `${point}.taken`);
  try {
    renameSync(join(armed, point), taken);
  } catch {
    return null;
  }
  return readFileSync(taken, 'utf8').trim();
}

function act(point, action) {
  if (action === 'kill') process.kill(process.pid, 'SIGKILL');
  if (action === 'fail') throw new Error(`the failpoint ${point}`);
}

const passed = new Set();

async function pass(point) {
  if (!passed.has(point)) appendFileSync(join(armed, 'passed'), `${point}\n`);
  passed.add(point);
  const action = take(point);
  if (action === null) return;
  act(point, action);
  await sleep(Number(action));
}

const STRACE = '/usr/bin/strace';
/** The folders of tasks whose end nobody could write down. */
const UNRECORDED = 'unrecorded';
const SHIM_CALLS = ['clone', 'rename', 'exit_group'];

/** Whom it has hit the harness must know where it can't be told from the ledger. */
function underStrace(call, argv) {
  if (call === 'rename') appendFileSync(join(armed, UNRECORDED), `${argv[argv.indexOf('--dir') + 1]}\n`);
  return [
    'strace',
    '-o',
    '/dev/null',
    '-e',
    `trace=${call}`,
    '-e',
    `inject=${call}:signal=KILL`,
    '--',
    ...argv,
  ];
}

/** libfaketime and Redis's allocator wait for each other at the start, for ever. */
const isNoPreload = (variable) => !variable.startsWith('LD_PRELOAD=');

if (armed) {
  const { Redis } = requireHere('ioredis');
  const { defineCommand } = Redis.prototype;
  Redis.prototype.defineCommand = function (name, definition) {
    defineCommand.call(this, name, definition);
    const command = this[name];
    // BullMQ's are named with its version.
    const [point] = name.split(/[:-]/);
    this[name] = async function (...argv) {
      await pass(`${point}.before`);
      const reply = await command.apply(this, argv);
      await pass(`${point}.after`);
      return reply;
    };
  };

  const build = process.env.BERTH_NATIVE_BUILD ?? 'build';
  const native = requireHere(`../../packages/task-shim/${build}/process_locks.node`);
  const { spawnDetached } = native;
  native.spawnDetached = (file, argv, environment, ...rest) => {
    act('spawn.before', take('spawn.before'));
    const more = [argv[0] === 'redis-server' ? environment.filter(isNoPreload) : environment, ...rest];
    const call =
      basename(file) === 'berth-shim' ? SHIM_CALLS.find((each) => take(`shim.${each}`)) : undefined;
    const pid = call
      ? spawnDetached(STRACE, underStrace(call, argv), ...more)
      : spawnDetached(file, argv, ...more);
    act('spawn.after', take('spawn.after'));
    return pid;
  };
}
