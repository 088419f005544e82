import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, Scene } from './fault.js';

type Target = (scene: Scene) => number | null | undefined;

const daemon: Target = ({ host }) => host.daemon.pid;
const worker: Target = ({ host, random }) => random.one(host.workers());
const redis: Target = ({ host }) => host.redisPid();
const shim: Target = ({ host, random, harmed }) => {
  const task = random.one(host.tasks());
  if (task) harmed.add(task.job);
  return task?.shim;
};
const command: Target = ({ host, random, harmed }) => {
  const task = random.one(host.tasks());
  if (task) harmed.add(task.job);
  return task?.command;
};

function signalled(pid: number | null | undefined, signal: NodeJS.Signals): boolean {
  try {
    return pid != null && process.kill(pid, signal);
  } catch {
    return false; // It was faster.
  }
}

const killed = (name: string, target: Target): Fault => ({
  name: `kill ${name}`,
  inject: async (scene) => {
    signalled(target(scene), 'SIGKILL');
    return undefined;
  },
});

/** Stopped as a debugger or a swapping host would, and let go on. */
const frozen = (name: string, target: Target): Fault => ({
  name: `freeze ${name}`,
  inject: async (scene) => {
    const pid = target(scene);
    if (!signalled(pid, 'SIGSTOP')) return undefined;
    await sleep(scene.random.between(50, 800));
    return async () => {
      signalled(pid, 'SIGCONT');
    };
  },
});

/** Everything ends at once, and only the files are left. */
const reboot: Fault = {
  name: 'reboot',
  inject: async ({ host, harmed }) => {
    const tasks = host.tasks();
    for (const { job } of tasks) harmed.add(job);
    const victims = [host.daemon.pid, ...host.workers(), host.redisPid()];
    for (const pid of victims) signalled(pid, 'SIGKILL');
    for (const { shim: pid, job } of host.tasks()) {
      harmed.add(job);
      signalled(pid, 'SIGKILL');
    }
    for (const pid of host.jobProcesses()) signalled(pid, 'SIGKILL');
    return undefined;
  },
};

/** All of Berth dies but the shims. */
const allButShims: Fault = {
  name: 'kill all but shims',
  inject: async ({ host }) => {
    for (const pid of [host.daemon.pid, ...host.workers(), host.redisPid()]) signalled(pid, 'SIGKILL');
    return undefined;
  },
};

/** As systemd does it for an upgrade: the keeper starts the next one. */
const upgrade: Fault = {
  name: 'upgrade',
  inject: async (scene) => {
    signalled(daemon(scene), 'SIGTERM');
    return undefined;
  },
};

export const PROCESS_FAULTS: readonly Fault[] = [
  killed('daemon', daemon),
  killed('worker', worker),
  killed('redis', redis),
  killed('shim', shim),
  killed('command', command),
  frozen('daemon', daemon),
  frozen('worker', worker),
  frozen('redis', redis),
  frozen('shim', shim),
  frozen('command', command),
  reboot,
  allButShims,
  upgrade,
];
