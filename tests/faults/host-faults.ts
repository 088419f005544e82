import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault, NOT_REACHED, REACHED, type Scene } from './fault.js';

const HOUR_SECONDS = 3600;

/** The disk of the data directory, with logs, records and Redis on it, has no byte left for a while. */
const fullDisk: Fault = {
  name: 'the disk is full',
  inject: async ({ host, random }) => {
    const file = join(host.daemon.dataDirectory, 'filler');
    if (!host.hasOwnDisk) return NOT_REACHED;
    const { bavail, bsize } = statfsSync(host.daemon.dataDirectory);
    try {
      writeFileSync(file, Buffer.alloc(bavail * bsize));
    } catch {
      // Full it is, by whomever.
    }
    await sleep(random.between(200, 1200));
    return { ...REACHED, takeBack: async () => rmSync(file, { force: true }) };
  },
};

const limited = (name: string, target: (scene: Scene) => number | undefined): Fault => ({
  name: `${name} has no descriptor left`,
  inject: async (scene) => {
    const pid = target(scene);
    const limit = (soft: string): boolean => {
      try {
        execFileSync('prlimit', ['--pid', String(pid), `--nofile=${soft}:`], { stdio: 'ignore' });
        return true;
      } catch {
        return false; // It is dead.
      }
    };
    if (pid === undefined || !limit(String(highestDescriptor(pid)))) return NOT_REACHED;
    await sleep(scene.random.between(200, 1000));
    return { ...REACHED, takeBack: async () => void limit('1024') };
  },
});

function highestDescriptor(pid: number): number {
  try {
    return Math.max(...readdirSync(`/proc/${pid}/fd`).map(Number));
  } catch {
    return 1024;
  }
}

/** Nothing can be started: each try fails as it does where a limit of processes is reached. */
const noProcesses: Fault = {
  name: 'no process can be started',
  inject: async ({ host, random }) => {
    const until = Date.now() + random.between(200, 1000);
    while (Date.now() < until) {
      host.arm('spawn.before', 'fail');
      await sleep(20);
    }
    host.disarm('spawn.before');
    return { wasReached: () => host.wasTaken('spawn.before') };
  },
};

const stepped = (hours: number): Fault => ({
  name: `the clock is set by ${hours} h`,
  inject: async ({ host, random }) => {
    if (!host.hasClock) return NOT_REACHED;
    host.setClock(hours * HOUR_SECONDS);
    await sleep(random.between(500, 2000));
    return { ...REACHED, takeBack: async () => host.setClock(0) };
  },
});

export const HOST_FAULTS: readonly Fault[] = [
  fullDisk,
  limited('the daemon', ({ host }) => host.daemon.pid),
  limited('a worker', ({ host, random }) => random.one(host.workers())),
  noProcesses,
  stepped(1),
  stepped(-1),
];
