import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BerthClient, BerthProblem } from '@berth/client';
import type { GroupId, Job, NewToken } from '@berth/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../apps/daemon/dist/api/permissions.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { ApiDocument } from '../support/document.js';
import { sentEvents, until } from '../support/event-source.js';

let daemon: TestDaemon;
let settings: string;
let admin: BerthClient;
let ada: BerthClient;
let eve: BerthClient;
let viewer: BerthClient;

const clientOf = (token: string): BerthClient =>
  new BerthClient({ url: daemon.address, token, retrySeconds: 0 });

async function userWith(name: string, role: 'user' | 'viewer' | 'admin'): Promise<BerthClient> {
  await admin.users.create({ name, role });
  return clientOf((await admin.tokens.create(name)).token);
}

beforeAll(async () => {
  settings = mkdtempSync(join(tmpdir(), 'berth-settings-'));
  const file = join(settings, 'berth.yaml');
  writeFileSync(file, 'users: { ada: { priority: 10, timeLimit: 8h } }');
  daemon = await TestDaemon.start('2xH100-80GB', '--config', file);
  admin = clientOf(daemon.token);
  ada = await userWith('ada', 'user');
  eve = await userWith('eve', 'user');
  viewer = await userWith('vic', 'viewer');
});
afterAll(async () => {
  await daemon.destroy();
  rmSync(settings, { recursive: true });
});

const held = { command: ['true'], workingDirectory: '/', hold: true };

async function refusal(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof BerthProblem)) throw new Error(`not refused: ${error}`);
  return `${error.status} ${error.code}: ${error.detail}`;
}

it('every operation of the API is in the table of permissions', async () => {
  const { paths } = (await (await daemon.request('/openapi.json')).json()) as {
    paths: Record<string, Record<string, { operationId?: string; security?: unknown[] }>>;
  };
  const named = Object.values(paths)
    .flatMap((methods) => Object.values(methods))
    // Those without any security are for everybody: probes.
    .flatMap(({ operationId, security }) => (operationId && security?.length !== 0 ? operationId : []));
  expect(named.filter((name) => !(name in OPERATIONS))).toEqual([]);
  expect(Object.keys(OPERATIONS).filter((name) => !named.includes(name))).toEqual([]);
});

it('every POST takes an Idempotency-Key, and refuses it where it was used for another call', async () => {
  const posts = new ApiDocument().operations.filter(({ method }) => method === 'POST');
  const lacking = posts.filter(
    ({ parameters, responses }) =>
      !parameters.some(({ name }) => name === 'idempotency-key') || !('409' in responses),
  );
  expect(lacking.map(({ id }) => id)).toEqual([]);

  const job = await daemon.submit(held);
  const [keyed, free] = [{ 'idempotency-key': 'hold' }, { 'idempotency-key': 'again' }];
  const post = (verb: string, headers: Record<string, string>): Promise<Response> =>
    daemon.request(`/v1/jobs/${job.id}/${verb}`, { method: 'POST', headers });
  expect((await post('hold', keyed)).status).toBe(200);
  expect((await post('hold', keyed)).status).toBe(200);
  expect(await (await post('release', keyed)).json()).toMatchObject({
    type: 'urn:berth:problem:idempotency_conflict',
    detail: expect.stringContaining(`POST /v1/jobs/${job.id}/hold`),
  });
  expect((await daemon.job(job)).held).toBe(true);

  await daemon.cancel(job);
  expect((await post('requeue', free)).status).toBe(202);
  // It waits by now: without the key that would be a conflict.
  expect((await post('requeue', free)).status).toBe(202);
  expect((await post('requeue', {})).status).toBe(409);
});

describe('a token', () => {
  it('says who asks', async () => {
    expect(await ada.me()).toMatchObject({ name: 'ada', role: 'user', by: 'token', expiresAt: null });
    expect(await admin.me()).toMatchObject({ role: 'admin', by: 'dataDirectory', token: null });
  });

  it('is shown once, with a prefix that scanners know, and never again', async () => {
    const made = await ada.tokens.create('ada', { name: 'laptop', expiresIn: '90d' });
    expect(made.token).toMatch(/^berth_[\w-]{43}$/);
    expect(await clientOf(made.token).me()).toMatchObject({ name: 'ada', token: made.id });
    const listed = await ada.tokens.list('ada');
    expect(listed.find(({ id }) => id === made.id)).toMatchObject({
      name: 'laptop',
      expiresAt: made.expiresAt,
    });
    expect(JSON.stringify(listed)).not.toContain(made.token);
    expect(daemon.output).not.toContain(made.token);
  });

  it('that is revoked opens nothing from the answer on', async () => {
    const made = await ada.tokens.create('ada');
    await ada.tokens.revoke(made);
    expect(await refusal(clientOf(made.token).me())).toMatch(/^401 unauthorized: .*revoked/);
    expect(await refusal(ada.tokens.revoke(made))).toMatch(/^404/);
  });

  it('that is revoked or expires, or whose user is changed, is cut off what it follows; the others go on', async () => {
    const job = await daemon.shell('echo hello; exec sleep 600');
    await daemon.until(job, 'running');
    await admin.users.create({ name: 'flo' });
    const paths = [
      `/v1/jobs/${job.id}/logs?follow=true`,
      '/v1/events',
      `/v1/jobs/${job.id}?wait=60s&until=ended`,
    ];
    /** Follows all there is to follow. @returns how each of it ended */
    const followAll = async (token: string): Promise<Promise<'cut' | 'ended'>[]> => {
      const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
      const answers = [...paths.slice(0, 1), ...paths].map((path, i) =>
        fetch(`${daemon.address}${path}`, { headers: i === 0 ? { ...headers, accept: '*/*' } : headers }),
      );
      // Those that stream have begun to.
      await Promise.all(answers.slice(0, 3));
      return answers.map(async (answer) => {
        try {
          await (await answer).text();
          return 'ended';
        } catch {
          return 'cut';
        }
      });
    };
    const allCut = ['cut', 'cut', 'cut', 'cut'];
    const [first, second, third] = [
      await admin.tokens.create('flo'),
      await admin.tokens.create('flo'),
      await admin.tokens.create('flo', { expiresIn: 3 }),
    ];
    const ofFirst = await followAll(first.token);
    const ofSecond = await followAll(second.token);
    const ofThird = await followAll(third.token);
    await admin.tokens.revoke(first);
    expect(await Promise.all(ofFirst)).toEqual(allCut);
    expect(await Promise.all(ofThird)).toEqual(allCut);
    expect(await refusal(clientOf(third.token).me())).toMatch(/^401 unauthorized: .*expired/);
    const went = await Promise.race([...ofSecond, Promise.resolve('on')]);
    expect(went).toBe('on');
    await admin.users.change('flo', { disabled: true });
    expect(await Promise.all(ofSecond)).toEqual(allCut);
    await daemon.cancel(job);
  });

  it('that expires makes none that outlives it', async () => {
    const short: NewToken = await ada.tokens.create('ada', { expiresIn: '1h' });
    const child = await clientOf(short.token).tokens.create('ada', { expiresIn: '90d' });
    expect(child.expiresAt).toBe(short.expiresAt);
    expect((await clientOf(short.token).tokens.create('ada')).expiresAt).toBe(short.expiresAt);
  });

  it('whose answer was lost is shown again by its key, to the token that asked, and is one', async () => {
    const idempotencyKey = crypto.randomUUID();
    const made = await ada.tokens.create('ada', { name: 'lost' }, { idempotencyKey });
    expect(await ada.tokens.create('ada', { name: 'lost' }, { idempotencyKey })).toEqual(made);
    expect(await clientOf(made.token).me()).toMatchObject({ token: made.id });
    expect((await ada.tokens.list('ada')).filter(({ name }) => name === 'lost')).toHaveLength(1);

    // One that was stolen for an hour, and a log that holds the key.
    const short = clientOf((await ada.tokens.create('ada', { expiresIn: '1h' })).token);
    for (const call of [
      ada.tokens.create('ada', { name: 'other' }, { idempotencyKey }),
      short.tokens.create('ada', { name: 'lost' }, { idempotencyKey }),
    ]) {
      expect(await refusal(call)).toMatch(/^409 idempotency_conflict: .*was tok_.*use a new key/);
    }
    await ada.tokens.revoke(made);
    expect(await refusal(ada.tokens.create('ada', { name: 'lost' }, { idempotencyKey }))).toMatch(
      /^409 idempotency_conflict: .*is gone/,
    );
    expect(await refusal(ada.tokens.create('ada', {}, { idempotencyKey: 'short' }))).toMatch(/^422.*random/);
  });

  it("of others is nobody's business but an admin's", async () => {
    expect(await refusal(eve.tokens.create('ada'))).toMatch(/^403 forbidden: It is ada's/);
    expect(await refusal(eve.tokens.list('ada'))).toMatch(/^403/);
    const made = await ada.tokens.create('ada');
    expect(await refusal(eve.tokens.revoke(made))).toMatch(/^403/);
    await admin.tokens.revoke(made);
  });
});

describe('a user', () => {
  let job: Job;
  beforeAll(async () => {
    job = await ada.jobs.submit({ ...held, environment: { WANDB_API_KEY: 'hunter2' } });
  });

  it('owns what they submit', () => expect(job.user).toBe('ada'));

  it('changes their own', async () => {
    const own = await ada.jobs.submit(held);
    await ada.jobs.change(own, { priority: 1 });
    await ada.jobs.release(own);
    expect((await ada.jobs.wait(own)).state).toBe('succeeded');
    await ada.jobs.requeue(own);
    await ada.jobs.wait(own);
  });

  it.each([
    ['cancel', (who: BerthClient) => who.jobs.cancel(job)],
    ['hold', (who: BerthClient) => who.jobs.hold(job)],
    ['release', (who: BerthClient) => who.jobs.release(job)],
    ['requeue', (who: BerthClient) => who.jobs.requeue(job)],
    ['change', (who: BerthClient) => who.jobs.change(job, { priority: 9 })],
    ['drill', (who: BerthClient) => who.jobs.drill(job)],
    ['cancel by number', (who: BerthClient) => who.jobs.cancel(job.number)],
  ])("can not %s another's, nor can a viewer", async (_name, change) => {
    const before = await admin.jobs.get(job);
    expect(await refusal(change(eve))).toMatch(/^403 forbidden: It is ada's, and eve is no admin/);
    expect(await refusal(change(viewer))).toMatch(/^403 forbidden/);
    expect(await admin.jobs.get(job)).toEqual(before);
  });

  it("sees another's, but not the values of its environment", async () => {
    for (const who of [eve, viewer]) {
      expect((await who.jobs.get(job)).environment).toEqual({ WANDB_API_KEY: '[hidden]' });
      const listed = (await who.jobs.page()).items.find(({ id }) => id === job.id);
      expect(listed?.environment).toEqual({ WANDB_API_KEY: '[hidden]' });
    }
    for (const who of [ada, admin]) {
      expect((await who.jobs.get(job)).environment).toEqual({ WANDB_API_KEY: 'hunter2' });
    }
  });

  it('submits for nobody else; an admin does', async () => {
    expect(await refusal(eve.jobs.submit({ ...held, user: 'ada' }))).toMatch(
      /^403 forbidden: Only admins submit for others: this names ada, but comes from eve/,
    );
    expect(await refusal(eve.groups.submit({ jobs: [held, { ...held, user: 'ada' }] }))).toMatch(/^403/);
    expect(await refusal(eve.schedules.create({ cron: '0 2 * * *', job: { ...held, user: 'ada' } }))).toMatch(
      /^403/,
    );
    expect((await admin.jobs.submit({ ...held, user: 'ada' })).user).toBe('ada');
    expect((await eve.jobs.submit({ ...held, user: 'eve' })).user).toBe('eve');
  });

  it('gives no job a higher priority or a longer time limit than the settings let them; an admin does', async () => {
    const job = await ada.jobs.submit({ ...held, priority: 10 });
    const tooHigh = /^422 .*asks for priority 11; ada may have 10 at the most/;
    expect(await refusal(ada.jobs.submit({ ...held, priority: 11 }))).toMatch(tooHigh);
    expect(await refusal(ada.jobs.change(job, { priority: 11 }))).toMatch(tooHigh);
    expect(
      await refusal(ada.schedules.create({ cron: '0 0 1 1 *', job: { ...held, priority: 11 } })),
    ).toMatch(tooHigh);
    // Those that name none have the longest.
    expect(job.timeLimit).toBe(8 * 3600);
    const tooLong = /^422 .*asks for \S+(?: time limit)?; ada may have 8h at the most/;
    expect(await refusal(ada.jobs.submit({ ...held, timeLimit: '9h' }))).toMatch(tooLong);
    expect(await refusal(ada.jobs.change(job, { timeLimit: null }))).toMatch(tooLong);
    const changed = await admin.jobs.change(job, { priority: 500, timeLimit: null });
    expect(changed).toMatchObject({ priority: 500, timeLimit: null });
    // Who isn't named, and no `*` either, may have anything.
    expect(await eve.jobs.submit({ ...held, priority: 1000 })).toMatchObject({
      priority: 1000,
      timeLimit: null,
    });
  });

  it('has a viewer submit nothing', async () => {
    expect(await refusal(viewer.jobs.submit(held))).toMatch(
      /^403 forbidden: vic is a viewer, and may look only/,
    );
    expect(await refusal(viewer.jobs.dryRun(held))).toMatch(/^403/);
  });

  it('shares no Idempotency-Key with others', async () => {
    const one = await ada.jobs.submit(held, { idempotencyKey: 'first' });
    const other = await eve.jobs.submit(held, { idempotencyKey: 'first' });
    expect([other.user, other.id === one.id]).toEqual(['eve', false]);
    expect((await ada.jobs.submit(held, { idempotencyKey: 'first' })).id).toBe(one.id);
  });

  it('owns groups and schedules', async () => {
    const group = await ada.groups.submit({ jobs: [held, held] });
    expect(group.user).toBe('ada');
    expect(await refusal(eve.groups.cancel(group.id as GroupId))).toMatch(/^403/);
    expect((await ada.groups.cancel(group.id)).states.cancelled).toBe(2);

    const job = { ...held, environment: { KEY: 'hunter2' } };
    const schedule = await ada.schedules.create({ cron: '0 2 * * *', job, enabled: false });
    expect(schedule.user).toBe('ada');
    expect((await eve.schedules.get(schedule)).job.environment).toEqual({ KEY: '[hidden]' });
    expect((await ada.schedules.get(schedule)).job.environment).toEqual({ KEY: 'hunter2' });
    for (const change of ['pause', 'resume', 'run', 'delete'] as const) {
      expect(await refusal(eve.schedules[change](schedule))).toMatch(/^403/);
    }
    expect((await ada.schedules.run(schedule)).user).toBe('ada');
    // By an admin's hand it is still hers.
    expect((await admin.schedules.run(schedule)).user).toBe('ada');
  });

  it('neither drains devices, nor runs programs as the daemon, nor makes users', async () => {
    expect(await refusal(ada.devices.drain(0))).toMatch(
      /^403 forbidden: Only admins may do this; ada is a user/,
    );
    expect(await refusal(ada.doctor({ python: '/tmp/evil' }))).toMatch(/^403/);
    expect(await refusal(ada.users.create({ name: 'mallory', role: 'admin' }))).toMatch(/^403/);
    expect(await refusal(ada.users.change('ada', { role: 'admin' }))).toMatch(/^403/);
    expect(await refusal(ada.users.list())).toMatch(/^403/);
  });

  it('whose answer was lost is made once, and told again by its key', async () => {
    const idempotencyKey = crypto.randomUUID();
    const made = await admin.users.create({ name: 'lou' }, { idempotencyKey });
    expect(await admin.users.create({ name: 'lou' }, { idempotencyKey })).toEqual(made);
    const other = admin.users.create({ name: 'lou', role: 'admin' }, { idempotencyKey });
    expect(await refusal(other)).toMatch(/^409 idempotency_conflict: .*was lou/);
    await admin.users.delete('lou');
    expect(await refusal(admin.users.create({ name: 'lou' }, { idempotencyKey }))).toMatch(/^409.*is gone/);
  });

  it('is refused by name where there is one already, or it means something else', async () => {
    expect(await refusal(admin.users.create({ name: 'ada' }))).toMatch(/^409 user_conflict/);
    for (const name of ['constructor', 'toString', '__proto__', '../x', 'a b', '']) {
      expect(await refusal(admin.users.create({ name }))).toMatch(/^4(00|22)/);
    }
  });

  it('who is disabled or removed gets in no more', async () => {
    const max = await userWith('max', 'user');
    await admin.users.change('max', { disabled: true });
    expect(await refusal(max.me())).toMatch(/^401 unauthorized: max may not use Berth any more/);
    await admin.users.delete('max');
    expect(await refusal(max.me())).toMatch(/^401/);
  });
});

describe('where users see only their own', () => {
  let strict: TestDaemon;
  const at = (token: string) => new BerthClient({ url: strict.address, token, retrySeconds: 0 });
  beforeAll(async () => {
    strict = await TestDaemon.start('1xH100-80GB', '--visibility', 'own');
  });
  afterAll(() => strict.destroy());

  it("another's isn't there", async () => {
    const root = at(strict.token);
    for (const name of ['ada', 'eve']) await root.users.create({ name });
    const [one, other] = await Promise.all(
      ['ada', 'eve'].map(async (name) => at((await root.tokens.create(name)).token)),
    );
    const job = await (one as BerthClient).jobs.submit(held);
    const schedule = await (one as BerthClient).schedules.create({ cron: '0 2 * * *', job: held });
    const group = await (one as BerthClient).groups.submit({ jobs: [held] });
    const own = await (other as BerthClient).jobs.submit(held);
    for (const call of [
      (who: BerthClient) => who.jobs.get(job),
      (who: BerthClient) => who.jobs.get(job.number),
      (who: BerthClient) => who.jobs.explain(job),
      (who: BerthClient) => who.jobs.metrics(job),
      (who: BerthClient) => who.jobs.cancel(job),
      (who: BerthClient) => who.jobs.logs(job)[Symbol.asyncIterator]().next(),
      (who: BerthClient) => who.schedules.get(schedule),
      (who: BerthClient) => who.groups.get(group.id),
    ]) {
      expect(await refusal(call(other as BerthClient))).toMatch(/^404 not_found/);
    }
    expect(await refusal((other as BerthClient).jobs.submit({ ...held, after: [job.number] }))).toMatch(
      /there is no job/,
    );
    expect((await (other as BerthClient).jobs.page()).items.map(({ id }) => id)).toEqual([own.id]);
    expect(await (other as BerthClient).schedules.list()).toEqual([]);
    expect((await root.jobs.page()).items).toHaveLength(3);

    const token = (await root.tokens.create('eve')).token;
    const follow = (query: string): Promise<Response> =>
      fetch(`${strict.address}/v1/events?${query}`, { headers: { authorization: `Bearer ${token}` } });
    const [event] = await until(
      sentEvents(await follow('after=0&type=job.submitted,schedule.created')),
      () => true,
    );
    expect(event?.data).toMatchObject({ job: own.id, user: 'eve' });
    expect((await follow(`job=${job.id}`)).status).toBe(404);
    expect((await follow(`job=${job.number}`)).status).toBe(404);
  });

  it('of others they see that a device is held, was or will be, and by whom; not which job that is', async () => {
    const root = at(strict.token);
    const [mia, zoe] = (await Promise.all(
      ['mia', 'zoe'].map(async (name) => {
        await root.users.create({ name });
        return at((await root.tokens.create(name)).token);
      }),
    )) as [BerthClient, BerthClient];
    const work = { workingDirectory: '/', command: ['sleep', '60'], name: 'secret', timeLimit: '10m' };
    const past = await mia.jobs.submit({ ...work, command: ['true'] });
    await strict.ended(past);
    const now = await mia.jobs.submit(work);
    await strict.until(now, 'running');
    const next = await mia.jobs.submit(work);
    const own = await zoe.jobs.submit({ ...work, name: 'mine' });
    const spans = async (who: BerthClient) => {
      const [{ stays, planned }, { items }] = await Promise.all([who.timeline(), who.devices.list()]);
      return [items[0]?.holders ?? [], stays, planned].map((of) =>
        of.map(({ user, number, name }) => [user, number, name]),
      );
    };
    const [mine, others] = [
      ['zoe', own.number, 'mine'],
      ['mia', null, null],
    ];
    const seen = await eventually(
      () => spans(zoe),
      ([, stays, planned]) => stays?.length === 2 && planned?.length === 2,
    );
    // Who has used less goes first.
    expect(seen).toEqual([[others], [others, others], [mine, others]]);
    const told = ({ number }: Job) => ['mia', number, 'secret'];
    expect(await spans(root)).toEqual([[told(now)], [told(now), told(past)], [mine, told(next)]]);
    expect((await zoe.devices.get(0)).holders).toMatchObject([{ user: 'mia', number: null, name: null }]);

    // Wherever else something may look: nothing that is said to them has the name in it.
    const token = (await root.tokens.create('zoe')).token;
    const looks = new ApiDocument().operations.filter(
      ({ method, path, responses }) =>
        method === 'GET' && !path.includes('{') && !responses['200']?.content?.['text/event-stream'],
    );
    expect(looks.length).toBeGreaterThan(10);
    for (const { path } of looks) {
      const answer = await fetch(strict.address + path, { headers: { authorization: `Bearer ${token}` } });
      expect([path, (await answer.text()).includes('secret')]).toEqual([path, false]);
    }
    for (const job of [next, now]) await mia.jobs.cancel(job);
  });
});
