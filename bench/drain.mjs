import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { drained, startDaemon, warmUp } from './daemon.mjs';
import { forEachAtOnce } from './figures.mjs';

const JOBS = 1000;
const DEVICES = 8;
const CONNECTIONS = 16;

/** From the first submission to the last end of many short jobs; beside spawning and reaping as many directly. */
export async function drain() {
  const floorBegin = performance.now();
  await forEachAtOnce(JOBS, DEVICES, () => once(spawn('/bin/true', { stdio: 'ignore' }), 'exit'));
  const floorSeconds = (performance.now() - floorBegin) / 1000;

  const daemon = await startDaemon(`${DEVICES}xH100-80GB`, CONNECTIONS);
  try {
    await warmUp(daemon, DEVICES);
    const begin = Date.now();
    await forEachAtOnce(JOBS, CONNECTIONS, () =>
      daemon.call('POST', '/v1/jobs', { command: ['/bin/true'], gpus: 1, workingDirectory: '/' }),
    );
    const submittedSeconds = (Date.now() - begin) / 1000;
    await drained(daemon);
    const { items } = await daemon.call('GET', `/v1/jobs?limit=${JOBS}`);
    const failed = items.filter(({ state }) => state !== 'succeeded');
    if (failed.length > 0)
      throw new Error(`${failed.length} jobs did not succeed: ${JSON.stringify(failed[0])}`);
    const end = Math.max(...items.map(({ endedAt }) => Date.parse(endedAt)));
    const seconds = (end - begin) / 1000;
    return {
      scenario: 'drain',
      jobs: JOBS,
      devices: DEVICES,
      seconds,
      jobsPerSecond: JOBS / seconds,
      submissionsPerSecond: JOBS / submittedSeconds,
      floorJobsPerSecond: JOBS / floorSeconds,
      ratio: seconds / floorSeconds,
    };
  } finally {
    await daemon.stop();
  }
}
