import { once } from 'node:events';
import { connect } from 'node:net';
import { cpuSeconds, startDaemon } from './daemon.mjs';

const DEVICES = 8;
const CONNECTIONS = 16;
const SECONDS = 5;
const SAMPLING_SECONDS = 20;

/**
 * Polling `GET /v1/devices` with a job on each device, beside the floor: `GET /healthz`, which is the HTTP server alone.
 * Then what the driver's own thread takes for sampling once a second.
 */
export async function devices() {
  const daemon = await startDaemon(`${DEVICES}xH100-80GB`, DEVICES);
  try {
    const submit = () =>
      daemon.call('POST', '/v1/jobs', { command: ['sleep', '600'], workingDirectory: '/' });
    const jobs = await Promise.all(Array.from({ length: DEVICES }, submit));
    const runs = async () =>
      (await daemon.call('GET', '/v1/devices')).items.every(({ holder }) => holder !== null);
    while (!(await runs())) await new Promise((resolve) => setTimeout(resolve, 20));

    await poll(daemon, '/v1/devices', 1);
    const floor = await poll(daemon, '/healthz', SECONDS);
    const polled = await poll(daemon, '/v1/devices', SECONDS);
    const before = cpuSeconds([daemon.pid], 'berth-driver');
    await new Promise((resolve) => setTimeout(resolve, SAMPLING_SECONDS * 1000));
    const sampling = (cpuSeconds([daemon.pid], 'berth-driver') - before) / SAMPLING_SECONDS;
    for (const { id } of jobs) await daemon.call('POST', `/v1/jobs/${id}/cancel`);
    return {
      scenario: 'devices',
      devices: DEVICES,
      bytesPerAnswer: polled.bytes,
      requestsPerSecond: polled.perSecond,
      requestsPerCpuSecond: polled.perCpuSecond,
      floorPerSecond: floor.perSecond,
      ratioToFloor: polled.perSecond / floor.perSecond,
      samplingShareOfOneCore: sampling,
    };
  } finally {
    await daemon.stop();
  }
}

/** Asks over and over on a few connections, with a client that costs as little as one can. */
async function poll({ url, authorization, pid }, path, seconds) {
  const { hostname, port } = new URL(url);
  const request = `GET ${path} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: ${authorization}\r\n\r\n`;
  let answers = 0;
  let bytes = 0;
  const cpu = cpuSeconds([pid]);
  const began = performance.now();
  const lane = async () => {
    const socket = connect(Number(port), hostname);
    let left = -1;
    socket.on('data', (data) => {
      if (left < 0) {
        const head = data.indexOf('\r\n\r\n');
        bytes = Number(/content-length: (\d+)/.exec(data.toString('latin1', 0, head))[1]);
        if (!data.toString('latin1', 0, 15).includes('200')) throw new Error(data.toString('utf8'));
        left = bytes + head + 4;
      }
      left -= data.length;
      if (left > 0) return;
      left = -1;
      answers += 1;
      if (performance.now() - began < seconds * 1000) socket.write(request);
      else socket.end();
    });
    await once(socket, 'connect');
    socket.write(request);
    await once(socket, 'close');
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
  const took = (performance.now() - began) / 1000;
  return { bytes, perSecond: answers / took, perCpuSecond: answers / (cpuSeconds([pid]) - cpu) };
}
