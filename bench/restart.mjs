import { readFileSync } from 'node:fs';
import { startDaemon } from './daemon.mjs';

const DEVICES = 8;

/** Everything of Berth but the shims is killed under running jobs: how long until a new daemon is ready, and knows them all. */
export async function restart() {
  const daemon = await startDaemon(`${DEVICES}xH100-80GB`, DEVICES);
  const jobs = [];
  for (let i = 0; i < DEVICES; i += 1) {
    const body = { command: ['/bin/sleep', '300'], gpus: 1, workingDirectory: '/' };
    jobs.push((await daemon.call('POST', '/v1/jobs', body)).id);
  }
  await running(daemon, jobs);
  for (const pid of daemon.processes().filter(isOfBerth)) process.kill(pid, 'SIGKILL');

  const begin = performance.now();
  const next = await startDaemon(`${DEVICES}xH100-80GB`, DEVICES, daemon.directory);
  const readySeconds = (performance.now() - begin) / 1000;
  await running(next, jobs);
  const allKnownSeconds = (performance.now() - begin) / 1000;
  for (const job of jobs) await next.call('POST', `/v1/jobs/${job}/cancel`);
  await next.stop();
  return { scenario: 'restart', jobs: jobs.length, readySeconds, allKnownSeconds };
}

/** Resolves once all of these jobs are running, as the daemon says. */
async function running(daemon, jobs) {
  for (;;) {
    const { items } = await daemon.call('GET', '/v1/jobs?state=running');
    if (jobs.every((job) => items.some(({ id }) => id === job))) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function isOfBerth(pid) {
  const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  return /berthd\.js|worker\/main\.js|^redis-server/.test(command);
}
