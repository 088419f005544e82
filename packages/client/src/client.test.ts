import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { job } from '../../../tests/support/sample-job.js';
import { BerthClient } from './client.js';
import { BerthProblem, BerthTimeout, BerthUnreachable } from './errors.js';
import { hangUp, json, problem, type Seen, StubDaemon } from './stub-daemon.test-support.js';

// A new one each time: what a call that was given up has sent may come after its end.
let daemon: StubDaemon;
let client: BerthClient;
beforeEach(async () => {
  daemon = await StubDaemon.start();
  client = new BerthClient({ url: daemon.url, token: 'secret\n' });
});
afterEach(() => daemon.stop());

const NOTHING_LISTENS = 'http://127.0.0.1:1';

describe('a submission', () => {
  it('carries the token and a key of its own', async () => {
    daemon.answer(json(job(), 201));
    expect(await client.jobs.submit({ command: ['true'] })).toMatchObject({ number: 12 });
    await client.jobs.submit({ command: ['true'] });
    const [first, second] = daemon.seen;
    expect(first).toMatchObject({ method: 'POST', path: '/v1/jobs', body: '{"command":["true"]}' });
    expect(first?.headers.authorization).toBe('Bearer secret');
    expect(first?.headers['idempotency-key']).not.toBe(second?.headers['idempotency-key']);
  });

  it('is sent again with the same key when the connection breaks or the ledger is away', async () => {
    daemon.answer(hangUp, problem('ledger_unavailable', 503), json(job(), 201));
    await client.jobs.submit({ command: ['true'] });
    const keys = daemon.seen.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
  });

  it('that comes too fast is sent again when the daemon asked for it', async () => {
    const tooMany: typeof hangUp = (_seen, response) => {
      response.writeHead(429, { 'retry-after': '1' });
      response.end(
        JSON.stringify({ type: 'urn:berth:problem:too_many_requests', status: 429, detail: 'slowly' }),
      );
    };
    daemon.answer(tooMany, json(job(), 201));
    const began = performance.now();
    await client.jobs.submit({ command: ['true'] });
    expect(performance.now() - began).toBeGreaterThan(990);
    daemon.answer(tooMany);
    const hasty = new BerthClient({ url: daemon.url, retrySeconds: 0 });
    await expect(hasty.jobs.get(1)).rejects.toMatchObject({ status: 429, retryAfterSeconds: 1 });
  });

  it('is not sent again when it was refused', async () => {
    const errors = [{ pointer: '#/gpus', detail: 'asks for 9 devices' }];
    daemon.answer(problem('invalid_request', 422, { errors, instance: 'r-1' }));
    const refused = await client.jobs.submit({ command: ['true'], gpus: 9 }).catch((error) => error);
    expect(refused).toBeInstanceOf(BerthProblem);
    expect(refused).toMatchObject({ code: 'invalid_request', status: 422, errors, instance: 'r-1' });
    expect(refused.message).toBe('invalid_request it is');
    expect(daemon.seen).toHaveLength(1);
  });
});

describe('an address', () => {
  it('where nobody listens is named, with what to do', async () => {
    const nobody = new BerthClient({ url: NOTHING_LISTENS, retrySeconds: 0 });
    const failure = await nobody.devices.list().catch((error) => error);
    expect(failure).toBeInstanceOf(BerthUnreachable);
    expect(failure.message).toContain(NOTHING_LISTENS);
    expect(failure.message).toContain('berthd');
  });

  it('where another program listens is told apart from Berth', async () => {
    daemon.answer((_seen, response) => response.writeHead(502).end('<h1>Bad Gateway</h1>'));
    await expect(client.jobs.get(1)).rejects.toMatchObject({ code: 'unknown', status: 502 });
    daemon.answer((_seen, response) => response.end('<h1>Welcome</h1>'));
    await expect(client.jobs.get(1)).rejects.toMatchObject({ code: 'unknown', status: 200 });
  });

  it('that takes longer than a call may is given up, and said to be slow, not away', async () => {
    daemon.answer(() => undefined);
    const hasty = new BerthClient({ url: daemon.url, timeoutSeconds: 0.05 });
    const failure = await hasty.devices.list().catch((error) => error);
    expect(failure).toBeInstanceOf(BerthTimeout);
    expect(failure.message).toBe(`${daemon.url} has not answered GET /v1/devices within 0.05 s`);
  });

  it('is given up for one call alone, whichever it is', async () => {
    daemon.answer(() => undefined);
    const options = { timeoutSeconds: 0.02 };
    const { devices, jobs, groups, schedules, tokens, users } = client;
    const calls: Promise<unknown>[] = [
      client.me(options),
      client.shutdown(options),
      client.usage(options),
      client.queue(options),
      client.timeline(options),
      client.health(options),
      client.doctor(options),
      devices.drain(0, options),
      devices.history(0, options),
      jobs.explain(1, options),
      jobs.getTagged(1, options),
      jobs.wait(1, options),
      jobs.page(options),
      jobs.list(options).next(),
      jobs.logs(1, options).next(),
      jobs.metrics(1, options),
      jobs.drill(1, options),
      groups.submit({}, options),
      schedules.list(options),
      users.create({ name: 'ada' }, options),
      users.list(options),
      users.change('ada', {}, options),
      users.delete('ada', options),
      tokens.create('ada', {}, options),
      tokens.list('ada', options),
      tokens.revoke('tok_1', options),
    ];
    const failures = await Promise.all(calls.map((call) => call.catch((error: Error) => error)));
    expect(failures).toEqual(calls.map(() => expect.any(BerthTimeout)));
  });

  it('is tried again no longer than the call may take', async () => {
    daemon.answer(problem('ledger_unavailable', 503));
    const began = performance.now();
    const patient = new BerthClient({ url: daemon.url, retrySeconds: 30 });
    // After the fourth try, which begins within 0.7 s, and before a fifth, which would begin after 1.12 s.
    const failure = await patient.jobs.get(1, { timeoutSeconds: 1.1 }).catch((error) => error);
    expect(failure).toMatchObject({ code: 'ledger_unavailable' });
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(daemon.seen.length).toBeGreaterThan(1);
  });

  it('may lie behind a path', async () => {
    daemon.answer(json({ items: [], driver: {} }));
    await new BerthClient({ url: `${daemon.url}/berth/` }).devices.list();
    expect(daemon.seen[0]?.path).toBe('/berth/v1/devices');
  });

  it.each(['127.0.0.1:7700', 'ftp://host', ''])('such as %j is refused at once', (url) => {
    expect(() => new BerthClient({ url })).toThrow(TypeError);
  });
});

it('ends a call as soon as its signal is aborted, with the reason that was given', async () => {
  daemon.answer(() => undefined);
  const stop = new AbortController();
  const waiting = client.jobs.get(1, { signal: stop.signal });
  await pause(20);
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});

it('says that a daemon is unavailable without calling that an error', async () => {
  daemon.answer(json({ status: 'unavailable', detail: 'Redis does not answer' }, 503));
  expect(await client.health()).toMatchObject({ status: 'unavailable' });
});

it('tells how old an answer is that comes from memory', async () => {
  const ages: number[] = [];
  const told = new BerthClient({ url: daemon.url, onOldAnswer: (age) => ages.push(age) });
  const old = (_seen: unknown, response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'application/json', age: '12' }).end(JSON.stringify(job()));
  };
  daemon.answer(json(job()), old);
  await told.jobs.get(12);
  expect(ages).toEqual([]);
  await told.jobs.get(12);
  expect(ages).toEqual([12]);
});

it('sends again what was not answered: with one key where it would act twice without', async () => {
  const calls: [call: () => Promise<unknown>, isKeyed: boolean][] = [
    [() => client.jobs.requeue(1), true],
    [() => client.jobs.drill(1), true],
    [() => client.users.create({ name: 'ada' }), true],
    [() => client.tokens.create('ada'), true],
    [() => client.jobs.cancel(1), false],
  ];
  for (const [call, isKeyed] of calls) {
    daemon.answer(hangUp, json(job()));
    await call();
    const [first, second] = daemon.seen.map(({ headers }) => headers['idempotency-key']);
    expect([typeof first, second]).toEqual([isKeyed ? 'string' : 'undefined', first]);
  }
});

it('names a job by id, number or itself', async () => {
  daemon.answer(json(job(), 202));
  for (const reference of [7, 'job_x', job(), 'a/../b']) await client.jobs.cancel(reference);
  expect(daemon.seen.map(({ path }) => path)).toEqual([
    '/v1/jobs/7/cancel',
    '/v1/jobs/job_x/cancel',
    `/v1/jobs/${job().id}/cancel`,
    '/v1/jobs/a%2F..%2Fb/cancel',
  ]);
  expect(daemon.seen[0]?.headers['content-type']).toBeUndefined();
});

it('changes a job only as it was read', async () => {
  daemon.answer((_seen, response) => {
    response.writeHead(200, { etag: '"v1.x"' }).end(JSON.stringify(job()));
  });
  const { job: read, etag } = await client.jobs.getTagged(12);
  await client.jobs.change(read, { priority: 5 }, { ifMatch: etag });
  expect(daemon.seen.map(({ method, headers }) => [method, headers['if-match']])).toEqual([
    ['GET', undefined],
    ['PATCH', '"v1.x"'],
  ]);
});

describe('a list', () => {
  it('goes through all pages, and no further than it is taken', async () => {
    daemon.answer(
      json({ items: [job({ number: 3 }), job({ number: 2 })], nextCursor: '2' }),
      json({ items: [job({ number: 1 })], nextCursor: null }),
    );
    const numbers: number[] = [];
    for await (const { number } of client.jobs.list({ state: 'running' })) numbers.push(number);
    expect(numbers).toEqual([3, 2, 1]);
    expect(daemon.seen.map(({ query }) => [query.get('state'), query.get('cursor')])).toEqual([
      ['running', null],
      ['running', '2'],
    ]);

    daemon.answer(json({ items: [job({ number: 3 })], nextCursor: '3' }));
    for await (const _ of client.jobs.list()) break;
    expect(daemon.seen).toHaveLength(1);
  });

  it('ends at its limit', async () => {
    daemon.answer(json({ items: [job()], nextCursor: '1' }));
    let count = 0;
    for await (const _ of client.jobs.list({ limit: 2 })) count += 1;
    expect(count).toBe(2);
    expect(daemon.seen.map(({ query }) => query.get('limit'))).toEqual(['2', '1']);
  });
});

describe('a wait', () => {
  it('ends with the job, past a daemon that is away for a moment', async () => {
    daemon.answer(json(job()), json(job({ state: 'running' })), hangUp, json(job({ state: 'succeeded' })));
    expect(await client.jobs.wait('12')).toMatchObject({ state: 'succeeded' });
    expect(daemon.seen).toHaveLength(4);
  });

  it('is answered when the job has ended, and not asked for before', async () => {
    const ended = (_seen: Seen, response: ServerResponse): void => {
      setTimeout(() => json(job({ state: 'failed' }))(_seen, response), 300);
    };
    daemon.answer(json(job()), ended);
    expect(await client.jobs.wait(12)).toMatchObject({ state: 'failed' });
    expect(daemon.seen.map(({ query }) => query.toString())).toEqual(['', 'wait=30&until=ended']);
  });

  it('asks one that does not wait only now and then, and no longer than its timeout', async () => {
    for (const answer of [json(job({ state: 'running' })), problem('too_many_followers', 429)]) {
      daemon.answer(json(job()), answer);
      await expect(client.jobs.wait(12, { timeoutSeconds: 0.3 })).rejects.toBeInstanceOf(BerthTimeout);
      expect(daemon.seen.length).toBeLessThan(7);
    }
  });

  it('ends as soon as its signal is aborted', async () => {
    const stop = new AbortController();
    daemon.answer(json(job()), () => stop.abort(new Error('enough')));
    await expect(client.jobs.wait(12, { signal: stop.signal })).rejects.toThrow('enough');
  });
});

describe('a schedule', () => {
  const schedule = { id: 'sch_01k3v9q2m8fz4c7w1xkt5' };

  it('and a run by hand are sent again with their keys', async () => {
    daemon.answer(hangUp, json(schedule, 201), problem('ledger_unavailable', 503), json(job(), 201));
    await client.schedules.create({ cron: '0 2 * * *', job: { command: ['true'] } });
    await client.schedules.run(schedule);
    const keys = daemon.seen.map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys).size).toBe(2);
    expect(daemon.seen.map(({ path }) => path).slice(2)).toEqual(
      Array(2).fill(`/v1/schedules/${schedule.id}/run`),
    );
  });

  it('is deleted by its method, and listed without a page around it', async () => {
    daemon.answer(json(schedule), json({ items: [schedule] }));
    expect(await client.schedules.delete(schedule.id)).toEqual(schedule);
    expect(await client.schedules.list()).toEqual([schedule]);
    expect(daemon.seen[0]).toMatchObject({ method: 'DELETE', path: `/v1/schedules/${schedule.id}` });
  });
});
