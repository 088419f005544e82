import type { Problem, ProblemCode } from '@berth/contract';
import { backoff, sleep } from './backoff.js';
import { BerthProblem, BerthTimeout, BerthUnreachable } from './errors.js';

const PROBLEM_TYPE = /^urn:berth:problem:(\w+)$/;

/** A connection that was open for this long without a byte was no failure. */
export const IDLE_MILLISECONDS = 10_000;

/** What a timer can count (24 days); nobody waits longer for one answer. */
const LONGEST_TIMER_SECONDS = 2 ** 31 / 1000;

type QueryValue = string | number | boolean;

/** One call of the API. It may be sent twice: what makes something carries a key, the others change nothing then. */
export interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** How long it may take in all, tries included; default: the client's. */
  timeoutSeconds?: number | undefined;
  /** After how long a try without an answer counts as a broken connection. Default: as long as the call may take. */
  tryTimeoutSeconds?: number | undefined;
  path: string;
  /** A list is sent as the same name again and again. */
  query?: Record<string, QueryValue | readonly QueryValue[] | undefined>;
  body?: unknown;
  /** Instead of a body of JSON. */
  lines?: string | Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
  /** Whether it makes or begins something: it is sent with a key then, so that whoever gets it twice acts once. */
  makes?: boolean;
  /** Instead of a new one. */
  idempotencyKey?: string | undefined;
  /** Statuses besides 2xx that are an answer. */
  accept?: readonly number[];
  signal?: AbortSignal | undefined;
  /** How long to try again where nobody answers; default: the client's. */
  retrySeconds?: number | undefined;
  /** No limit for an answer that may come late on purpose, or never ends. */
  patient?: boolean;
}

export interface TransportOptions {
  url: string;
  /** What to call the daemon where that says more than its address. */
  label?: string;
  token?: string | undefined;
  fetch?: typeof fetch | undefined;
  timeoutSeconds: number;
  retrySeconds: number;
  onOldAnswer?: ((ageSeconds: number) => void) | undefined;
}

/** Sends calls, tries again what may be tried again, and turns what goes wrong into our errors. */
export class Transport {
  readonly url: string;
  private readonly base: URL;
  private readonly token: string | undefined;
  private readonly fetch: typeof fetch;
  private readonly timeoutSeconds: number;
  private readonly retrySeconds: number;
  private readonly onOldAnswer: (ageSeconds: number) => void;

  /** @throws TypeError for an address or a token that no request could carry */
  constructor(options: TransportOptions) {
    const address = options.url.replace(/\/+$/, '');
    this.url = options.label ?? address;
    if (!URL.canParse(address) || !/^https?:/i.test(address)) {
      throw new TypeError(
        `'${options.url}' is no address of a daemon; write for example http://127.0.0.1:7700`,
      );
    }
    this.base = new URL(`${address}/`);
    this.token = options.token?.trim() || undefined;
    if (this.token && !/^[\x21-\x7e]+$/.test(this.token)) {
      throw new TypeError('a token is one word of ASCII letters, digits and signs');
    }
    // A browser's fetch wants to be called on its window.
    this.fetch = options.fetch ?? ((...request) => globalThis.fetch(...request));
    this.timeoutSeconds = options.timeoutSeconds;
    this.retrySeconds = options.retrySeconds;
    this.onOldAnswer = options.onOldAnswer ?? (() => undefined);
  }

  /** The answer's JSON. @throws BerthProblem, BerthUnreachable, BerthTimeout, the signal's reason */
  json<T>(call: Call): Promise<T> {
    return this.insist(call, (response) => this.jsonOf<T>(response));
  }

  /** The answer's JSON with its ETag. @throws as `json` */
  tagged<T>(call: Call): Promise<{ value: T; etag: string }> {
    return this.insist(call, async (response) => {
      const value = await this.jsonOf<T>(response);
      return { value, etag: response.headers.get('etag') ?? this.notBerth(response) };
    });
  }

  /** The answer with its body still to come. @throws as `json` */
  open(call: Call): Promise<Response> {
    return this.insist(call, async (response) => response);
  }

  private async jsonOf<T>(response: Response): Promise<T> {
    const text = await response.text();
    try {
      return JSON.parse(text) as T;
    } catch {
      return this.notBerth(response);
    }
  }

  private notBerth({ status }: Response): never {
    throw new BerthProblem('unknown', status, `${this.url} answers, but not as Berth does`);
  }

  private async insist<T>(call: Call, read: (response: Response) => Promise<T>): Promise<T> {
    const seconds = call.patient ? Number.POSITIVE_INFINITY : (call.timeoutSeconds ?? this.timeoutSeconds);
    const clock = new Clock(seconds);
    try {
      return await this.tryAgain(call, clock, read);
    } catch (error) {
      call.signal?.throwIfAborted();
      if (!clock.signal.aborted) throw error;
      const what = `${call.method ?? 'GET'} ${call.path}`;
      throw new BerthTimeout(`${this.url} has not answered ${what} within ${seconds} s`, { cause: error });
    } finally {
      clock.stop();
    }
  }

  private async tryAgain<T>(call: Call, clock: Clock, read: (response: Response) => Promise<T>): Promise<T> {
    const retryMilliseconds = (call.retrySeconds ?? this.retrySeconds) * 1000;
    // One for all tries: it is what makes them safe.
    const keyed = call.makes ? { ...call, idempotencyKey: call.idempotencyKey ?? newIdempotencyKey() } : call;
    const pauses = backoff(100, 2000);
    let deadline = performance.now() + retryMilliseconds;
    for (;;) {
      const began = performance.now();
      try {
        return await this.send(keyed, clock, read);
      } catch (error) {
        const pause = Math.max(pauses.next().value, retryAfter(error));
        // Something between here and the daemon gave up on a connection that was fine: Node's fetch does after 300 s.
        if (call.patient && performance.now() - began > IDLE_MILLISECONDS) {
          deadline = performance.now() + retryMilliseconds;
        }
        const next = performance.now() + pause;
        if (!isPassing(error) || next > deadline || next > clock.end) throw error;
        await sleep(pause, call.signal);
      }
    }
  }

  private async send<T>(call: Call, whole: Clock, read: (response: Response) => Promise<T>): Promise<T> {
    call.signal?.throwIfAborted();
    const { tryTimeoutSeconds: seconds = Number.POSITIVE_INFINITY } = call;
    const clock = new Clock(seconds);
    const signal = AbortSignal.any([whole.signal, clock.signal, ...(call.signal ? [call.signal] : [])]);
    try {
      const response = await this.fetch(this.address(call), { ...this.request(call), signal });
      if (!response.ok && !call.accept?.includes(response.status)) throw await problemOf(response, this.url);
      const age = response.headers.get('age');
      if (age !== null) this.onOldAnswer(Number(age));
      return await read(response);
    } catch (error) {
      call.signal?.throwIfAborted();
      if (error instanceof BerthProblem) throw error;
      const reason = clock.signal.aborted ? `nothing came within ${seconds} s` : reasonOf(error);
      throw new BerthUnreachable(this.url, reason, { cause: error });
    } finally {
      clock.stop();
    }
  }

  private address({ path, query = {} }: Call): URL {
    const address = new URL(path.replace(/^\//, ''), this.base);
    for (const [name, value] of Object.entries(query)) {
      for (const each of [value].flat()) {
        if (each !== undefined) address.searchParams.append(name, String(each));
      }
    }
    return address;
  }

  private request({ method = 'GET', body, lines, headers = {}, idempotencyKey }: Call): RequestInit {
    return {
      method,
      headers: {
        ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(lines === undefined ? {} : { 'content-type': 'application/x-ndjson' }),
        ...(idempotencyKey ? { 'idempotency-key': idempotencyKey } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(lines === undefined ? {} : { body: lines }),
    };
  }
}

/** Aborts its signal when its time is over. */
class Clock {
  /** By `performance.now()`. */
  readonly end: number;
  private readonly controller = new AbortController();
  private readonly timer: ReturnType<typeof setTimeout> | undefined;

  /** @param seconds Infinity: never */
  constructor(seconds: number) {
    this.end = performance.now() + seconds * 1000;
    if (seconds < LONGEST_TIMER_SECONDS)
      this.timer = setTimeout(() => this.controller.abort(), seconds * 1000);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}

/** Whether the same call may get another answer in a moment. */
function isPassing(error: unknown): boolean {
  return (
    error instanceof BerthUnreachable ||
    (error instanceof BerthProblem && (error.status === 503 || error.status === 429))
  );
}

/** How long the daemon asks to be left alone, in milliseconds. */
function retryAfter(error: unknown): number {
  return error instanceof BerthProblem ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
}

/** A key for `SubmitOptions.idempotencyKey`. `crypto.randomUUID` is missing in a browser's page without TLS. */
export function newIdempotencyKey(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

async function problemOf(response: Response, url: string): Promise<BerthProblem> {
  const text = await response.text();
  let problem: Partial<Problem> | null = null;
  try {
    problem = JSON.parse(text) as Partial<Problem>;
  } catch {
    // A proxy, or another program at this address.
  }
  const seconds = response.headers.get('retry-after') ?? '';
  const retryAfterSeconds = /^\d{1,9}$/.test(seconds) ? Number(seconds) : undefined;
  const code = PROBLEM_TYPE.exec(problem?.type ?? '')?.[1] as ProblemCode | undefined;
  if (!problem || !code) {
    const detail = `${url} answers ${response.status} ${response.statusText}`.trim();
    return new BerthProblem('unknown', response.status, `${detail}, but not as Berth does`, {
      retryAfterSeconds,
    });
  }
  const { errors, instance } = problem;
  return new BerthProblem(code, response.status, problem.detail ?? problem.title ?? code, {
    errors,
    instance,
    retryAfterSeconds,
  });
}

/** Node hides what happened in the cause of a "fetch failed". */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  if (!(cause instanceof Error)) return message;
  return cause.message || (cause as { code?: string }).code || message;
}
