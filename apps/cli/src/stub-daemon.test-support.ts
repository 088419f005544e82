import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import type { Device, Driver } from '@berth/contract';
import { job } from '../../../tests/support/sample-job.js';
import type { Host, Output } from './host.js';
import { run } from './run.js';

type Answer = unknown | ((request: { body: string; query: URLSearchParams }) => unknown);

/** An answer with a status of its own. */
export class Status {
  readonly status: number;
  readonly body: unknown;
  constructor(status: number, body: unknown) {
    this.status = status;
    this.body = body;
  }
}

/** A daemon that knows what a test tells it: `"GET /v1/devices"` → its JSON, or text as it is. */
export class StubDaemon {
  readonly seen: { call: string; body: string; headers: IncomingMessage['headers'] }[] = [];
  routes: Record<string, Answer> = {};
  url = '';
  private readonly server: Server;

  private constructor() {
    this.server = createServer(async (request, response) => {
      let body = '';
      for await (const piece of request) body += piece;
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://stub');
      const call = `${request.method} ${pathname}`;
      this.seen.push({ call, body, headers: request.headers });
      let answer = this.routes[call] ?? problem('not_found', 404, `There is no ${call}`);
      if (typeof answer === 'function') answer = answer({ body, query: searchParams });
      const { status, body: content } = answer instanceof Status ? answer : { status: 200, body: answer };
      response.writeHead(status, { 'berth-log-offset': '0' });
      response.end(typeof content === 'string' ? content : JSON.stringify(content));
    });
  }

  static async start(): Promise<StubDaemon> {
    const stub = new StubDaemon();
    stub.server.listen(0, '127.0.0.1');
    await once(stub.server, 'listening');
    stub.url = `http://127.0.0.1:${(stub.server.address() as AddressInfo).port}`;
    return stub;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

export function problem(code: string, status: number, detail: string, errors?: unknown): Status {
  return new Status(status, { type: `urn:berth:problem:${code}`, title: code, status, detail, errors });
}

class Collector extends Writable {
  text = '';
  isTTY = false;
  columns = 80;
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs berth as typed, on a terminal or (by default) with its output read by a program. */
export async function berth(
  daemon: Pick<StubDaemon, 'url'>,
  argv: readonly string[],
  more: Partial<Omit<Host, 'stdout' | 'stderr'>> & { terminal?: boolean } = {},
): Promise<Ran> {
  const stdout = new Collector();
  const stderr = new Collector();
  stdout.isTTY = more.terminal ?? false;
  const { terminal: _, ...surroundings } = more;
  const code = await run(argv, {
    environment: { BERTH_URL: daemon.url, BERTH_TOKEN: 'secret', NO_COLOR: '1' },
    directory: '/home/ada',
    stdin: (async function* () {})(),
    stdout: stdout as Output,
    stderr: stderr as Output,
    onInterrupt: () => () => undefined,
    ...surroundings,
  });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

const noClocks = { graphicsMegahertz: null, smMegahertz: null, memoryMegahertz: null };

/** A device with what a test wants of it: job 12 is on it. */
export function device(more: Partial<Device> = {}): Device {
  return {
    uuid: 'GPU-1',
    index: 0,
    cudaIndex: null,
    node: 'box',
    name: 'NVIDIA H100 80GB HBM3',
    architecture: null,
    mig: null,
    memoryTotalBytes: 80 * 2 ** 30,
    computeCapability: '9.0',
    pciAddress: null,
    minorNumber: null,
    numaNode: null,
    cpuAffinity: null,
    computeMode: null,
    persistenceMode: null,
    eccEnabled: null,
    powerLimitWatts: 700,
    powerLimitRangeWatts: null,
    slowdownCelsius: null,
    maxClocks: noClocks,
    links: [],
    simulated: false,
    labels: {},
    holders: [
      {
        job: job().id,
        number: 12,
        name: 'train',
        user: 'ada',
        attempt: 1,
        since: '2026-11-21T02:00:00Z',
        latestEnd: null,
        sharedBytes: null,
      },
    ],
    health: { state: 'ok', sentence: null },
    obstacles: [],
    keepsWaiting: null,
    workerRestarts: [],
    xids: [{ at: '2026-11-21T02:00:00Z', xid: 31, meaning: 'a page fault', verdict: 'application' }],
    sample: {
      takenAt: '2026-11-21T02:00:00Z',
      ageSeconds: 0.4,
      memoryUsedBytes: 1.2 * 2 ** 30,
      memoryFreeBytes: null,
      memoryReservedBytes: null,
      jobBytes: 2 ** 30,
      foreignBytes: 0,
      utilisation: 0.5,
      memoryUtilisation: null,
      temperatureCelsius: 41,
      powerWatts: null,
      clocks: noClocks,
      throttled: null,
      ecc: { corrected: null, uncorrected: null },
      remappedRows: null,
      memoryTemperatureCelsius: null,
      energyJoules: null,
      pcieReplays: null,
      nvlink: null,
      processes: [],
    },
    ...more,
  };
}

export const driver: Driver = {
  driverVersion: null,
  cudaVersion: null,
  simulated: false,
  source: 'nvml',
  problem: null,
  remarks: [],
};
