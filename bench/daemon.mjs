import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BERTHD = new URL('../apps/daemon/bin/berthd.js', import.meta.url).pathname;

/**
 * The daemon as people run it, on simulated devices, with its durability on.
 * @param {string} simulate such as `8xH100-80GB`
 * @param {number} connections how many requests may be under way at once
 * @param {string} [directory] of one that was there before
 */
export async function startDaemon(
  simulate,
  connections,
  directory = mkdtempSync(join(tmpdir(), 'berth-bench-')),
) {
  // Not before all is measured: for seconds after many files were removed, ext4 makes new ones several times slower.
  process.once('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 10 }));
  const argv = [BERTHD, '--data-dir', directory, '--listen', '127.0.0.1:0', '--simulate', simulate];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const url = await new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`berthd ended with ${code}: ${output}`)));
    child.stdout.on('data', (data) => {
      output += data;
      const ready = /"url":"([^"]+)".*berthd is ready/.exec(output);
      if (ready) resolve(ready[1]);
    });
  });
  const authorization = `Bearer ${readFileSync(join(directory, 'token'), 'utf8').trim()}`;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });

  /** @returns {Promise<any>} the answer's JSON, or its text where it is none */
  const call = (method, path, body) =>
    new Promise((resolve, reject) => {
      const headers = { authorization, ...(body ? { 'content-type': 'application/json' } : {}) };
      const sent = request(`${url}${path}`, { method, agent, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (data) => {
          text += data;
        });
        response.on('end', () => {
          if (response.statusCode >= 400) reject(new Error(text));
          else resolve(response.headers['content-type'].includes('json') ? JSON.parse(text) : text);
        });
      });
      sent.on('error', reject);
      sent.end(body && JSON.stringify(body));
    });

  return {
    url,
    authorization,
    pid: child.pid,
    directory,
    /** The socket of its private Redis. */
    redis: join(directory, 'redis', 'redis.sock'),
    call,
    /** All processes of it: daemon, workers and Redis. */
    processes: () => [child.pid, ...processesWithFilesIn(directory).filter((pid) => pid !== child.pid)],
    stop: async () => {
      agent.destroy();
      child.removeAllListeners('exit');
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Resolves once no job waits or runs. */
export async function drained(daemon) {
  for (const state of ['pending', 'starting', 'running']) {
    while ((await daemon.call('GET', `/v1/jobs?limit=1&state=${state}`)).items.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** One job on each device: then all workers, which come one after another, are up, and everything is loaded. */
export async function warmUp(daemon, devices) {
  for (let device = 0; device < devices; device += 1) {
    await daemon.call('POST', '/v1/jobs', {
      command: ['/bin/true'],
      devices: String(device),
      workingDirectory: '/',
    });
  }
  await drained(daemon);
}

/**
 * Processor time in seconds, by the scheduler's own count in nanoseconds: the clock ticks of proc(5) are too coarse.
 * @param {string} [thread] only of threads of this name
 */
export function cpuSeconds(processes, thread) {
  const threadsOf = (pid) =>
    readdirSync(`/proc/${pid}/task`).filter(
      (task) => !thread || readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8').trim() === thread,
    );
  const ofThread = (pid, task) =>
    Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  const ofProcess = (pid) => threadsOf(pid).reduce((sum, task) => sum + ofThread(pid, task), 0);
  return processes.reduce((sum, pid) => sum + ofProcess(pid), 0) / 1e9;
}

function processesWithFilesIn(directory) {
  const has = (pid) => {
    try {
      const files = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
      return files.some((file) => file.startsWith(directory));
    } catch {
      return false;
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(has);
}
