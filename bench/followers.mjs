import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { startDaemon } from './daemon.mjs';
import { forEachAtOnce } from './figures.mjs';

const FOLLOWERS = 1000;
const DEAF = 20;
const JOBS = 2000;

/**
 * A thousand followers of `GET /v1/events` while jobs come in, beside some who read nothing; then a thousand who ask for all of it
 * again at once. Every one has to get every event.
 */
export async function followers() {
  const daemon = await startDaemon('2xH100-80GB', 8);
  try {
    const live = Array.from({ length: FOLLOWERS }, () => follow(daemon, ''));
    for (let i = 0; i < DEAF; i += 1) follow(daemon, '?after=0').socket.pause();
    await Promise.all(live.map(({ connected }) => connected));
    const began = performance.now();
    await forEachAtOnce(JOBS, 8, () =>
      daemon.call('POST', '/v1/jobs', { command: ['/bin/true'], workingDirectory: '/', hold: true }),
    );
    const submitted = performance.now();
    await Promise.all(live.map((follower) => follower.got(JOBS)));
    const told = performance.now();
    const peak = peakMiB(daemon.pid);
    for (const { socket } of live) socket.destroy();

    const resumed = Array.from({ length: FOLLOWERS }, () => follow(daemon, '?after=0&type=job.submitted'));
    const again = performance.now();
    await Promise.all(resumed.map((follower) => follower.got(JOBS)));
    const resumedSeconds = (performance.now() - again) / 1000;
    for (const { socket } of resumed) socket.destroy();
    return {
      scenario: 'followers',
      followers: FOLLOWERS,
      events: JOBS,
      eventsToldPerSecond: (FOLLOWERS * JOBS) / ((told - began) / 1000),
      lastEventLateMs: told - submitted,
      resumedSeconds,
      peakMiB: peak,
      peakAfterResumingMiB: peakMiB(daemon.pid),
    };
  } finally {
    await daemon.stop();
  }
}

/** The most memory that the process has had. */
function peakMiB(pid) {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

/** Counts what comes, as cheaply as one can: a thousand of these share the machine with the daemon. */
function follow({ url, authorization }, query) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const wanted = Buffer.from('event: job.submitted');
  let rest = Buffer.alloc(0);
  let seen = 0;
  let notice = () => undefined;
  socket.write(
    `GET /v1/events${query} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: ${authorization}\r\n\r\n`,
  );
  const connected = once(socket, 'data');
  socket.on('data', (data) => {
    const text = Buffer.concat([rest, data]);
    let from = 0;
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, from)) {
      seen += 1;
      from = at + wanted.length;
    }
    rest = text.subarray(Math.max(from, text.length - wanted.length + 1));
    notice();
  });
  const got = (count) =>
    new Promise((resolve, reject) => {
      socket.on('close', () => reject(new Error(`a follower was cut off after ${seen} events`)));
      notice = () => {
        if (seen > count) reject(new Error(`a follower got ${seen} events`));
        else if (seen === count) resolve();
      };
      notice();
    });
  return { socket, connected, got };
}
