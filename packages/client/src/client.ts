import type {
  DoctorReport,
  Health,
  LedgerImport,
  Me,
  Queue,
  Shutdown,
  ShutdownRequest,
  Timeline,
  Usage,
} from '@berth/contract';
import { socketFetch } from '#socket-fetch';
import { Devices } from './devices.js';
import { type EventOptions, readEvents, type StreamedEvent } from './events.js';
import { Groups } from './groups.js';
import { Jobs, type RequestOptions } from './jobs.js';
import { Schedules } from './schedules.js';
import { Transport } from './transport.js';
import { Tokens, Users } from './users.js';

/** It starts Python and imports PyTorch. */
const DOCTOR_SECONDS = 90;

export interface BerthClientOptions {
  /** Where the daemon listens, such as `http://127.0.0.1:7700`. */
  url?: string | undefined;
  /** Instead of a url, for Node on the daemon's own host: its unix socket, `<data-dir>/berth.sock`. It needs no token. */
  socketPath?: string | undefined;
  /** The text of the file `token` in the daemon's data directory. */
  token?: string | undefined;
  /** Instead of the global one. */
  fetch?: typeof fetch | undefined;
  /** How long a call may take, what is tried again included; watching takes as long as it does. Default 30. */
  timeoutSeconds?: number | undefined;
  /** How long a request is tried again where nobody answers, or Berth says 503. Default 5; 0 never does. */
  retrySeconds?: number | undefined;
  /** Told of each answer that the daemon gives from memory, for its ledger can't be asked: how old it is, in seconds. */
  onOldAnswer?: ((ageSeconds: number) => void) | undefined;
}

/**
 * A daemon of Berth. Its calls throw `BerthProblem` (the daemon said no), `BerthUnreachable` (nobody answered),
 * `BerthTimeout` (the answer did not come in time) or, when their signal is aborted, its reason.
 */
export class BerthClient {
  readonly jobs: Jobs;
  readonly groups: Groups;
  readonly schedules: Schedules;
  readonly devices: Devices;
  readonly users: Users;
  readonly tokens: Tokens;
  /** Where the daemon listens. */
  readonly url: string;
  private readonly transport: Transport;

  /** @throws TypeError where neither url nor socketPath is given, or for an address or a token that no request could carry */
  constructor({ url, socketPath, timeoutSeconds = 30, retrySeconds = 5, ...options }: BerthClientOptions) {
    if (url === undefined && socketPath === undefined) throw new TypeError('give url or socketPath');
    this.transport = new Transport({
      url: url ?? 'http://localhost',
      ...(socketPath === undefined ? {} : { label: `unix:${socketPath}` }),
      ...options,
      ...(socketPath === undefined ? {} : { fetch: socketFetch(socketPath) }),
      timeoutSeconds,
      retrySeconds,
    });
    this.url = this.transport.url;
    this.jobs = new Jobs(this.transport);
    this.groups = new Groups(this.transport);
    this.schedules = new Schedules(this.transport);
    this.devices = new Devices(this.transport);
    this.users = new Users(this.transport);
    this.tokens = new Tokens(this.transport);
  }

  /**
   * What a person would check by hand: driver, devices, PyTorch, Redis, permissions.
   * @param options.python absolute path; default: the first on the daemon's PATH
   */
  doctor({
    python,
    ...options
  }: RequestOptions & { python?: string | undefined } = {}): Promise<DoctorReport> {
    const path = '/v1/doctor';
    return this.transport.json({ path, query: { python }, timeoutSeconds: DOCTOR_SECONDS, ...options });
  }

  /** Who you are to the daemon, and what you may do. */
  me(options: RequestOptions = {}): Promise<Me> {
    return this.transport.json({ path: '/v1/me', ...options });
  }

  /**
   * What users, devices and jobs have come to, how much of it idle; and the order of fair share.
   * @param options.jobs how many jobs at the most; default 20, those that used the most
   */
  usage({ jobs, ...options }: RequestOptions & { jobs?: number | undefined } = {}): Promise<Usage> {
    return this.transport.json({ path: '/v1/usage', query: { jobs }, ...options });
  }

  /**
   * The jobs in line, in their order, with why each waits and when it is planned to start.
   * @param options.limit at most 200; default 100
   */
  queue({ limit, ...options }: RequestOptions & { limit?: number | undefined } = {}): Promise<Queue> {
    return this.transport.json({ path: '/v1/queue', query: { limit }, ...options });
  }

  /**
   * Which jobs had which devices, have them, and are planned to get them.
   * @param options.since a time (RFC 3339), or how long ago: seconds, or text such as `"6h"`; default: an hour before `until`
   * @param options.until likewise; default: now
   * @param options.limit the most stays that are over; default 500
   */
  timeline({
    since,
    until,
    limit,
    ...options
  }: RequestOptions & {
    since?: string | number | undefined;
    until?: string | number | undefined;
    limit?: number | undefined;
  } = {}): Promise<Timeline> {
    return this.transport.json({ path: '/v1/timeline', query: { since, until, limit }, ...options });
  }

  /**
   * What happens from now on, or after the event `after`, for as long as it is taken; also past a restart of the daemon.
   * An item of type `gap` says that events were missed: look at the jobs anew.
   */
  events(options: EventOptions = {}): AsyncGenerator<StreamedEvent, void, undefined> {
    return readEvents(this.transport, options);
  }

  /** Ends the daemon; by default jobs that run go on. It answers before it ends. */
  shutdown({ jobs, ...options }: ShutdownRequest & RequestOptions = {}): Promise<Shutdown> {
    return this.transport.json({ method: 'POST', path: '/v1/shutdown', body: { jobs }, ...options });
  }

  /** The whole ledger as lines of JSON, as of one moment; the answer's body is still to come. It holds secrets. For admins. */
  exportLedger({ signal }: RequestOptions = {}): Promise<Response> {
    return this.transport.open({ path: '/v1/ledger', patient: true, signal });
  }

  /** Takes an export into a ledger that is empty. For admins. */
  importLedger(
    lines: string | Uint8Array<ArrayBuffer>,
    { signal }: RequestOptions = {},
  ): Promise<LedgerImport> {
    return this.transport.json({ method: 'PUT', path: '/v1/ledger', lines, patient: true, signal });
  }

  /** Whether the daemon can take jobs now; an `unavailable` one is an answer. Needs no token. */
  health(options: RequestOptions = {}): Promise<Health> {
    return this.transport.json({ path: '/readyz', accept: [503], ...options });
  }
}
