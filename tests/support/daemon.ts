import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Device, DeviceList, Job, JobState, JobSubmissionInput } from '@berth/contract';

const BERTHD = new URL('../../apps/daemon/bin/berthd.js', import.meta.url).pathname;

/** A berthd as it is built, in a data directory of its own, with simulated devices; null: with those that are there. */
export class TestDaemon {
  readonly dataDirectory = mkdtempSync(join(tmpdir(), 'berth-e2e-'));
  /** What is started as berthd; another build of it, where one takes over from the other. */
  program = BERTHD;
  /** The one that was made last, also if it could not start. */
  static last: TestDaemon | null = null;

  private readonly simulate: string | null;
  private readonly flags: string[];
  /** What its environment has besides ours. */
  private readonly environment: NodeJS.ProcessEnv;
  private process: ChildProcess | null = null;
  private url = '';
  output = '';

  /** One that is yet to be started. */
  constructor(simulate: string | null, flags: string[], environment: NodeJS.ProcessEnv = {}) {
    this.simulate = simulate;
    this.flags = flags;
    this.environment = environment;
    TestDaemon.last = this;
  }

  static async start(simulate: string | null, ...flags: string[]): Promise<TestDaemon> {
    const daemon = new TestDaemon(simulate, flags);
    await daemon.start();
    return daemon;
  }

  /**
   * Starts berthd on the data directory, and resolves when it says that it is ready.
   * @param listen host and port; by default one that is free
   */
  async start(simulate = this.simulate, listen = '127.0.0.1:0'): Promise<void> {
    const where = ['--data-dir', this.dataDirectory, '--listen', listen];
    const devices = simulate === null ? [] : ['--simulate', simulate];
    const argv = [this.program, ...where, ...devices, ...this.flags];
    const child = spawn(process.execPath, argv, {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Where tests run as root, whoever they submit for has no account of this host.
      env: { BERTH_ROOT_JOBS: '*', ...process.env, ...this.environment },
    });
    this.process = child;
    this.output = '';
    await new Promise<void>((resolve, reject) => {
      const read = (data: Buffer): void => {
        this.output += data;
        const ready = /"url":"([^"]+)".*berthd is ready/.exec(this.output);
        if (!ready) return;
        this.url = ready[1] as string;
        resolve();
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      // Not its exit: its last words may come after that.
      child.once('close', (code) => reject(new Error(`berthd ended with ${code}:\n${this.output}`)));
    });
  }

  get token(): string {
    return readFileSync(join(this.dataDirectory, 'token'), 'utf8').trim();
  }

  get pid(): number {
    return this.process?.pid as number;
  }

  get address(): string {
    return this.url;
  }

  /** A request with the token; the answer as it is. */
  request(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.token}`, ...init.headers };
    return fetch(`${this.url}${path}`, { ...init, headers });
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const init = { method: 'POST', body: JSON.stringify(body) };
    return this.request(path, { ...init, headers: { 'content-type': 'application/json', ...headers } });
  }

  async submit(job: JobSubmissionInput): Promise<Job> {
    const response = await this.post('/v1/jobs', job);
    if (response.status !== 201) throw new Error(`submission refused: ${await response.text()}`);
    return (await response.json()) as Job;
  }

  /** Submits a line of shell. */
  shell(script: string, more: Omit<JobSubmissionInput, 'script'> = {}): Promise<Job> {
    return this.submit({ script, workingDirectory: '/', ...more });
  }

  async job({ id }: { id: string }): Promise<Job> {
    return (await (await this.request(`/v1/jobs/${id}`)).json()) as Job;
  }

  async devices(): Promise<Device[]> {
    return ((await (await this.request('/v1/devices')).json()) as DeviceList).items;
  }

  cancel({ id }: { id: string }): Promise<Response> {
    return this.request(`/v1/jobs/${id}/cancel`, { method: 'POST' });
  }

  /** What a job has written. With `follow=true` this resolves when the job has ended: no need to wait otherwise. */
  async logs({ id }: { id: string }, query = ''): Promise<string> {
    const response = await this.request(`/v1/jobs/${id}/logs?${query}`);
    if (!response.ok) throw new Error(await response.text());
    return response.text();
  }

  /** Waits until a job is in one of these states. */
  async until(job: { id: string }, ...states: JobState[]): Promise<Job> {
    return eventually(
      () => this.job(job),
      ({ state }) => states.includes(state),
    );
  }

  ended(job: { id: string }): Promise<Job> {
    return this.until(job, 'succeeded', 'failed', 'cancelled');
  }

  /** kill -9: no time to say goodbye. */
  async kill(): Promise<void> {
    const child = this.process as ChildProcess;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** SIGTERM, and the exit code that follows. */
  async stop(): Promise<number | null> {
    const child = this.process as ChildProcess;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    return (await exited)[0] as number | null;
  }

  /** The exit code, once it has ended by itself. */
  async exited(): Promise<number | null> {
    const child = this.process as ChildProcess;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    return (await once(child, 'close'))[0] as number | null;
  }

  /** The process that holds a lock of the data directory, such as `redis/redis.lock`. */
  holderOf(lock: string): number {
    const [pid] = holders(join(this.dataDirectory, lock));
    if (pid === undefined) throw new Error(`nobody holds ${lock}`);
    return pid;
  }

  workerOf(device: Device): number {
    return this.holderOf(workerLock(device));
  }

  /** The workers of all devices, once they are started: they come one after another. */
  allWorkers(): Promise<number[]> {
    return eventually(
      async () => (await this.devices()).map((device) => this.findWorker(device) ?? 0),
      (pids) => pids.every((pid) => pid > 0),
    );
  }

  /** undefined: it isn't started yet. */
  findWorker(device: Device): number | undefined {
    return holders(join(this.dataDirectory, workerLock(device)))[0];
  }

  /** Ends everything that was ever started on the data directory, and removes it. */
  async destroy(): Promise<void> {
    await this.end();
    rmSync(this.dataDirectory, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Ends everything that was ever started on the data directory. */
  async end(): Promise<void> {
    if (this.process?.exitCode === null && this.process.signalCode === null) await this.kill();
    for (let left = this.processes(); left.length > 0; left = this.processes()) {
      for (const pid of left) killQuietly(pid);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** All processes that have a file of the data directory open: workers, shims, Redis, and what jobs left behind. */
  processes(): number[] {
    return processIds().filter((pid) => openFiles(pid).some((file) => file.startsWith(this.dataDirectory)));
  }
}

/** Asks again until the answer is right: for what no event tells about. */
export async function eventually<T>(ask: () => Promise<T> | T, isRight: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`still not right: ${JSON.stringify(answer, null, 2)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Whether a process is there and not just a corpse that waits for its parent. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

const workerLock = ({ uuid }: Device): string => `workers/${uuid}.lock`;

function holders(file: string): number[] {
  return existsSync(file)
    ? processIds().filter((pid) => openFiles(pid).includes(file) && !waits(pid, file))
    : [];
}

/** The daemon has the lock files open too, to wait for them; the holder is who isn't the daemon. */
function waits(pid: number, _file: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('berthd.js');
  } catch {
    return true;
  }
}

function processIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return '';
      }
    });
  } catch {
    return [];
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was faster.
  }
}
