import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobSubmissionInput } from '@berth/contract';
import type { TestDaemon } from '../support/daemon.js';
import type { PlannedJob, Wish } from './planned-job.js';

/** Beyond what a machine with far too much to do takes to start a daemon. */
const PATIENCE_MS = 120_000;
const ANSWER_WITHIN_MS = 10_000;

/** What is asked, once or until there is an answer. */
interface Wanted {
  method?: string;
  body?: unknown;
  /** By which the daemon knows one that is sent again; none: sending it again is harmless. */
  key?: string;
  /** Instead of the administrator's. */
  token?: string;
}

/**
 * People, as far as the daemon sees them. What it says meanwhile has to be honest: 503 with Retry-After, and nothing else of
 * the kind.
 */
export class Client {
  readonly lies: string[] = [];
  /** The jobs that were submitted, by id. */
  readonly acknowledged: string[] = [];
  private readonly daemon: Pick<TestDaemon, 'request'>;

  constructor(daemon: Pick<TestDaemon, 'request'>) {
    this.daemon = daemon;
  }

  /** Asks again, as the same wish, until an answer comes that isn't "later". */
  async insist(path: string, wanted: Wanted = {}): Promise<Response> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const answer = await this.ask(path, wanted);
      if (answer) return answer;
      if (Date.now() > deadline) throw new Error(`${path} was never answered`);
      await sleep(100);
    }
  }

  /** Asks once. @returns null: there was no answer, or "later" */
  async ask(path: string, { method = 'GET', body, key, token }: Wanted = {}): Promise<Response | null> {
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    const sent = body === undefined ? null : JSON.stringify(body);
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const answer = await this.daemon.request(path, { method, body: sent, headers, signal }).catch(() => null);
    if (!answer || answer.status < 500) return answer;
    const honest = answer.status === 503 && answer.headers.has('retry-after');
    const text = await answer.text().catch(() => '');
    if (!honest) this.lies.push(`${path} was answered with ${answer.status}: ${text}`);
    return null;
  }

  /** Makes something, once. @throws where it is refused for good */
  async make<Made>(path: string, body: unknown, token?: string): Promise<Made> {
    const key = randomUUID();
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const made = await this.insist(path, {
        method: 'POST',
        body,
        key,
        ...(token === undefined ? {} : { token }),
      });
      if (made.ok) return (await made.json()) as Made;
      const refusal = await made.text();
      // A daemon that was started while a device is lost knows of that one when it is back.
      if (!refusal.includes('there is no device') || Date.now() > deadline)
        throw new Error(`POST ${path} was refused: ${refusal}`);
      await sleep(100);
    }
  }

  /** @param changes such as what it waits for, where that has an id only now */
  async submit(job: PlannedJob, changes: Partial<JobSubmissionInput> = {}, token?: string): Promise<string> {
    const { id } = await this.make<{ id: string }>('/v1/jobs', { ...job.submission, ...changes }, token);
    job.id = id;
    this.acknowledged.push(id);
    return id;
  }

  /** Asks something of a job: until there is an answer, or once. @param verb such as `cancel` */
  async wish(id: string, verb: string, { once = false }: { once?: boolean } = {}): Promise<Wish> {
    const path = `/v1/jobs/${id}/${verb}`;
    const wanted = { method: 'POST', key: randomUUID() };
    const answer = await (once ? this.ask(path, wanted) : this.insist(path, wanted));
    if (!answer) return 'unanswered';
    return answer.ok ? 'granted' : 'refused';
  }
}
