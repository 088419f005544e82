import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { drained, startDaemon } from './daemon.mjs';
import { forEachAtOnce, slopeOf } from './figures.mjs';

const JOBS = Number(process.env.SOAK_JOBS ?? 50_000);
const DEVICES = 8;
const CONNECTIONS = 8;
const SAMPLES = 50;
/** Until caches, and what is kept of the past, have their size: the stream of events is the last, at 100,000 of them. */
const WARM_UP = 0.4;
const KEPT_JOBS = 2000;

/** Many short jobs with retention on: by how much daemon, workers and Redis grow with each, once they are warm. */
export async function soak() {
  const scratch = mkdtempSync(join(tmpdir(), 'berth-soak-'));
  const settings = join(scratch, 'settings.yaml');
  writeFileSync(settings, `quickFailures: 0\nretention: {mostJobs: ${KEPT_JOBS}, every: 2s}\n`);
  process.env.BERTH_CONFIG = settings;
  const daemon = await startDaemon(`${DEVICES}xH100-80GB`, CONNECTIONS);
  delete process.env.BERTH_CONFIG;
  const redis = new Redis(daemon.redis);
  const samples = [];
  try {
    const portion = Math.ceil(JOBS / SAMPLES);
    for (let done = 0; done < JOBS; done += portion) {
      await forEachAtOnce(portion, CONNECTIONS, () =>
        daemon.call('POST', '/v1/jobs', { command: ['/bin/true'], gpus: 1, workingDirectory: '/' }),
      );
      await drained(daemon);
      samples.push({ jobs: done + portion, ...memoryOf(daemon), redisData: await dataBytes(redis) });
    }
  } finally {
    redis.disconnect();
    await daemon.stop();
    rmSync(scratch, { recursive: true });
  }
  const warm = samples.slice(Math.floor(samples.length * WARM_UP));
  const slope = (part) => slopeOf(warm.map((sample) => [sample.jobs, sample[part]]));
  const last = samples.at(-1);
  return {
    scenario: 'soak',
    jobs: JOBS,
    daemonBytes: last.daemon,
    workerBytes: last.worker,
    redisBytes: last.redis,
    redisDataBytes: last.redisData,
    daemonBytesPerJob: slope('daemon'),
    workerBytesPerJob: slope('worker'),
    redisBytesPerJob: slope('redis'),
    redisDataBytesPerJob: slope('redisData'),
  };
}

/** Resident memory in bytes; of the workers the mean. */
function memoryOf(daemon) {
  const workers = [];
  const memory = { daemon: residentBytes(daemon.pid), redis: 0 };
  for (const pid of daemon.processes()) {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    if (command.startsWith('redis-server')) memory.redis = residentBytes(pid);
    if (command.includes('worker/main.js')) workers.push(residentBytes(pid));
  }
  return { ...memory, worker: workers.reduce((sum, bytes) => sum + bytes, 0) / workers.length };
}

/** What Redis has given out to hold its data; that its allocator keeps more comes on top. */
async function dataBytes(redis) {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))[1]);
}

function residentBytes(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}
