import { loadavg } from 'node:os';
import { Worker } from 'node:worker_threads';
import { cpuSeconds, startDaemon } from './daemon.mjs';
import { percentile } from './figures.mjs';

const DEVICES = 2;
const CONNECTIONS = 16;
const WARM_SECONDS = 3;
const SECONDS = 10;

/**
 * `POST /v1/jobs` over several connections, one request on each at a time, each acknowledged after it is on disk; then ten thousand in
 * one call. The client is as cheap as one can be, for it shares the machine.
 */
export async function submissions() {
  const load = loadavg()[0];
  const daemon = await startDaemon(`${DEVICES}xH100-80GB`, 4);
  try {
    // What is submitted waits in line, as it mostly does.
    const runs = [];
    for (let i = 0; i < DEVICES; i += 1)
      runs.push(await daemon.call('POST', '/v1/jobs', { command: ['sleep', '600'], workingDirectory: '/' }));
    await submit(daemon, WARM_SECONDS);
    const redis = daemon.processes().filter((pid) => pid !== daemon.pid);
    const before = [cpuSeconds([daemon.pid]), cpuSeconds(redis)];
    const { milliseconds, seconds } = await submit(daemon, SECONDS);
    const used = [cpuSeconds([daemon.pid]) - before[0], cpuSeconds(redis) - before[1]];
    const jobs = Array.from({ length: 10_000 }, () => JOB);
    const began = performance.now();
    await daemon.call('POST', '/v1/jobs/batch', { jobs });
    const batchSeconds = (performance.now() - began) / 1000;
    // Devices first: nothing that waits shall start in their place.
    for (let i = 0; i < DEVICES; i += 1) await daemon.call('POST', `/v1/devices/${i}/drain`);
    for (const { id } of runs) await daemon.call('POST', `/v1/jobs/${id}/cancel`);
    return {
      scenario: 'submissions',
      connections: CONNECTIONS,
      perSecond: milliseconds.length / seconds,
      medianMs: percentile(milliseconds, 0.5),
      p99Ms: percentile(milliseconds, 0.99),
      daemonCpuMicroseconds: (used[0] / milliseconds.length) * 1e6,
      redisAndWorkersCpuMicroseconds: (used[1] / milliseconds.length) * 1e6,
      batchOf10000Seconds: batchSeconds,
      loadBefore: load,
    };
  } finally {
    await daemon.stop();
  }
}

const JOB = {
  command: ['python3', 'train.py', '--lr', '0.1'],
  workingDirectory: '/',
  name: 'train',
};

async function submit({ url, authorization }, seconds) {
  const { hostname, port } = new URL(url);
  const body = JSON.stringify(JOB);
  const head = `POST /v1/jobs HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\n`;
  const text = `${head}content-length: ${body.length}\r\n\r\n${body}`;
  const worker = new Worker(LANES, {
    eval: true,
    workerData: { hostname, port: Number(port), text, seconds, connections: CONNECTIONS },
  });
  return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
}

const LANES = `
const { connect } = require('node:net');
const { parentPort, workerData } = require('node:worker_threads');
const { hostname, port, text, seconds, connections } = workerData;
const milliseconds = [];
const began = performance.now();
let open = connections;
for (let i = 0; i < connections; i += 1) {
  const socket = connect(port, hostname, () => socket.write(text));
  let left = -1;
  let sent = performance.now();
  socket.setNoDelay(true);
  socket.on('data', (data) => {
    if (left < 0) {
      const head = data.indexOf('\\r\\n\\r\\n');
      if (data.toString('latin1', 9, 12) !== '201') throw new Error(data.toString());
      left = Number(/content-length: (\\d+)/.exec(data.toString('latin1', 0, head))[1]) + head + 4;
    }
    left -= data.length;
    if (left > 0) return;
    left = -1;
    milliseconds.push(performance.now() - sent);
    sent = performance.now();
    if (sent - began < seconds * 1000) socket.write(text);
    else socket.end();
  });
  socket.on('close', () => {
    open -= 1;
    if (open === 0) parentPort.postMessage({ milliseconds, seconds: (performance.now() - began) / 1000 });
  });
}`;
