import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '../support/daemon.js';
import { type Fault, NOT_REACHED, REACHED, type Scene, signalled } from './fault.js';

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

const killed = (name: string, target: Target): Fault => ({
  name: `kill ${name}`,
  inject: async (scene) => {
    return signalled(target(scene), 'SIGKILL') ? REACHED : NOT_REACHED;
  },
});

/** Stopped as a debugger or a swapping host would, and let go on. */
const frozen = (name: string, target: Target): Fault => ({
  name: `freeze ${name}`,
  inject: async (scene) => {
    const pid = target(scene);
    if (!signalled(pid, 'SIGSTOP')) return NOT_REACHED;
    await sleep(scene.random.between(50, 800));
    return { ...REACHED, takeBack: async () => void signalled(pid, 'SIGCONT') };
  },
});

/** Everything ends at once, and only the files are left. */
const reboot: Fault = {
  name: 'reboot',
  inject: async ({ host, harmed }) => {
    for (const pid of [host.daemon.pid, ...host.workers(), host.redisPid()]) signalled(pid, 'SIGKILL');
    // Also shims that no record of a start tells of yet.
    for (const { pid, job } of host.jobProcesses()) {
      harmed.add(job);
      signalled(pid, 'SIGKILL');
    }
    return REACHED;
  },
};

/** All of Berth dies but the shims. */
const allButShims: Fault = {
  name: 'kill all but shims',
  inject: async ({ host }) => {
    for (const pid of [host.daemon.pid, ...host.workers(), host.redisPid()]) signalled(pid, 'SIGKILL');
    return REACHED;
  },
};

/** As systemd does it for an upgrade: the keeper starts the next one, which is of another build. */
const upgrade: Fault = {
  name: 'upgrade',
  inject: async (scene) => {
    scene.host.exchangeBuild();
    return signalled(daemon(scene), 'SIGTERM') ? REACHED : NOT_REACHED;
  },
};

/** It refuses and says why, unless the first one is just away: then it is that one's successor for a moment. */
const secondDaemon: Fault = {
  name: 'a second daemon on the data directory',
  inject: async ({ host }) => {
    const first = host.daemon.pid;
    const second = host.secondDaemon();
    const refusal = await second.start().then(
      () => null,
      ({ message }: Error) => message,
    );
    if (host.daemon.pid === first && isAlive(first)) {
      if (refusal === null) throw new Error('two daemons run on one data directory');
      if (!refusal.includes('another berthd runs on'))
        throw new Error(`a second daemon says something else: ${refusal}`);
    }
    if (refusal === null) await second.stop();
    await second.destroy();
    return REACHED;
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
  secondDaemon,
];
