import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ODD, spoiled, valid } from '../support/arbitrary.js';
import { TestDaemon } from '../support/daemon.js';
import { ApiDocument, type Operation, type Parameter } from '../support/document.js';

/** As many as there is time for; 100,000 take about half an hour. */
const REQUESTS = Number(process.env.CONTRACT_REQUESTS ?? 2000);
const SEED = Number(process.env.CONTRACT_SEED ?? Date.now() % 2 ** 31);
const AT_ONCE = 8;
const SLICE = 200;
const MOST_FAILURES = 20;
/** The one starts a Python each time and says the same, the other leaves nobody to answer. */
const LEFT_OUT = ['examine', 'shutDown'];

interface Sent {
  operation: Operation;
  path: string;
  headers: Record<string, string>;
  body: string | null;
}

const document = new ApiDocument();
const command = fc.constant(['true']);
const few = fc.integer({ min: 1, max: 2 });
const world = {
  schemas: document.components.schemas,
  fitting: {
    command,
    script: fc.constant(undefined),
    workingDirectory: fc.constant('/'),
    gpus: few,
    devices: fc.constantFrom('0', '1', '0,1', 'cuda:1'),
    constraints: fc.constantFrom({}, { model: 'H100' }, { minMemory: '40GiB' }),
    sharing: fc.constant(undefined),
    after: fc.constantFrom([], [1], [{ job: '2', on: 'ended' }]),
    timeLimit: fc.constantFrom('2h', 60),
    timeLimitWarning: fc.constant(undefined),
    checkpointSignal: fc.constantFrom('SIGUSR1', null),
    cron: fc.constantFrom('0 2 * * *', '*/15 8-18 * * mon-fri'),
    timeZone: fc.constantFrom('Europe/Berlin', 'UTC'),
    job: fc.constantFrom<unknown>({ command: ['true'], workingDirectory: '/' }, 1, '2'),
    jobs: fc.constantFrom<unknown>(undefined, [{ command: ['true'], workingDirectory: '/' }]),
    template: fc.constant({ command: ['true'], workingDirectory: '/' }),
    matrix: fc.constantFrom<unknown>({ lr: [0.1, 0.01] }, { seed: [1, 2, 3], lr: [1] }),
  } as Record<string, fc.Arbitrary<unknown>>,
};
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
/** What there is, to be named in paths. */
const ids = {
  job: ['1', '2', '3'],
  group: [] as string[],
  schedule: [] as string[],
  device: ['0', '1', 'GPU-'],
};
let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
  const job = { command: ['true'], workingDirectory: '/' };
  for (const [path, body, made] of [
    ['/v1/jobs', { ...job, hold: true }, ids.job],
    ['/v1/jobs', { ...job, command: ['sleep', '600'] }, ids.job],
    ['/v1/jobs/batch', { jobs: [job, job] }, ids.group],
    ['/v1/schedules', { cron: '0 0 1 1 *', job }, ids.schedule],
  ] as const)
    made.push(((await (await daemon.post(path, body)).json()) as { id: string }).id);
});
afterAll(() => {
  agent.destroy();
  return daemon.destroy();
});

/** Nobody knows what a random program would do to this host: what is run is `true`. */
function harmless(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(harmless);
  if (typeof value !== 'object' || value === null) return value;
  const said = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, harmless(each)]));
  if (Array.isArray(said.command) && typeof said.command[0] === 'string' && said.command[0] !== '')
    said.command[0] = 'true';
  if (typeof said.script === 'string' && said.script !== '') said.script = `exit 0\n${said.script}`;
  if (typeof said.workingDirectory === 'string' && said.workingDirectory.length % 3 > 0)
    said.workingDirectory = '/';
  return said;
}

const mostly = <T>(usual: fc.Arbitrary<T>, seldom: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 5, arbitrary: usual }, { weight: 1, arbitrary: seldom });
const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
/** Lone surrogates have no form in a URL. */
const encoded = (value: unknown): string => encodeURIComponent(text(value).replace(/\p{Surrogate}/gu, '?'));
/** Clients take `.` and `..` out of a path: it would be another operation's. */
const segment = (value: unknown): string => encoded(value).replace(/^\.{1,2}$/, 'dots');

function parameterIn({ name, schema }: Parameter): fc.Arbitrary<unknown> {
  const known = ids[name as keyof typeof ids];
  const right = known ? fc.constantFrom(...known) : valid(schema, world);
  return mostly(right, spoiled(right));
}

const none = fc.constant(undefined);
function parametersIn(operation: Operation, place: Parameter['in']): fc.Arbitrary<Record<string, unknown>> {
  const those = operation.parameters.filter((each) => each.in === place);
  return fc.record(
    Object.fromEntries(
      those.map((each) => [
        each.name,
        place === 'path' ? parameterIn(each) : fc.oneof(none, none, parameterIn(each)),
      ]),
    ),
  );
}

/** What no schema says: that one of two has to be there. */
const COMPLETE: Record<string, object> = {
  submitJob: { command: ['true'], workingDirectory: '/' },
  submitBatch: { jobs: [{ command: ['true'], workingDirectory: '/' }] },
};

function bodyOf({ id, body, method }: Operation): fc.Arbitrary<string | null> {
  if (!body) return method === 'GET' ? fc.constant(null) : mostly(fc.constant(null), ODD.map(text));
  const right = valid(body, world).map((value) => ({ ...COMPLETE[id], ...(value as object) }));
  return fc.oneof(
    { weight: 4, arbitrary: right.map((value) => JSON.stringify(harmless(value))) },
    { weight: 4, arbitrary: spoiled(right).map((value) => JSON.stringify(harmless(value)) ?? '') },
    { weight: 1, arbitrary: ODD.map((value) => JSON.stringify(value) ?? '') },
    {
      weight: 1,
      arbitrary: fc
        .tuple(right, fc.nat(80))
        .map(([value, at]) => JSON.stringify(harmless(value)).slice(0, at)),
    },
  );
}

const requestTo = (operation: Operation): fc.Arbitrary<Sent> =>
  fc
    .record({
      inPath: parametersIn(operation, 'path'),
      query: parametersIn(operation, 'query'),
      header: parametersIn(operation, 'header'),
      unknown: mostly(none, fc.string({ maxLength: 8 })),
      type: mostly(
        fc.constant('application/json'),
        fc.constantFrom('text/plain', 'application/json; charset=latin1', 'x'),
      ),
      body: bodyOf(operation),
    })
    .map(({ inPath, query, header, unknown, type, body }) => {
      const pairs = Object.entries({ ...query, ...(unknown === undefined ? {} : { [unknown]: '1' }) })
        .flatMap(([name, value]) =>
          (Array.isArray(value) ? value : [value]).map((each) => [name, each] as const),
        )
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => `${encoded(name)}=${encoded(value)}`);
      const path = operation.path.replace(/\{(\w+)\}/g, (_, name) => segment(inPath[name]));
      const headers = Object.fromEntries(
        Object.entries(header)
          .filter(([, value]) => value !== undefined)
          // What no client can send isn't sent.
          .map(([name, value]) => [name, text(value).replace(/[^\x20-\x7e]/g, '?')]),
      );
      const wait = /([?&]wait)=[^&]*/;
      return {
        operation,
        path: `${path}?${pairs.join('&')}`.replace(/\?$/, '').replace(wait, '$1=0.01'),
        headers: body === null ? headers : { ...headers, 'content-type': type },
        body,
      };
    });

/** What was made is there to be named by the requests that come. */
function remember({ id }: Operation, answer: string): void {
  const made = { submitJob: ids.job, submitBatch: ids.group, createSchedule: ids.schedule }[id];
  if (!made) return;
  made.push((JSON.parse(answer) as { id: string }).id);
  if (made.length > 20) made.splice(3, 1);
}

async function send({ operation, path, headers, body }: Sent): Promise<string | null> {
  const authorization = `Bearer ${daemon.token}`;
  const sent = request(`${daemon.address}${path}`, {
    method: operation.method,
    agent,
    headers: {
      authorization,
      ...headers,
      ...(body === null ? {} : { 'content-length': Buffer.byteLength(body) }),
    },
  });
  sent.end(body ?? undefined);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const { statusCode = 0, headers: got } = response;
  const type = got['content-type'] ?? null;
  const missing = document.missingHeaders(operation, statusCode, got);
  if (missing.length > 0) return `${statusCode} without ${missing}`;
  const isEndless =
    type?.startsWith('text/event-stream') || (statusCode === 200 && operation.id === 'getLogs');
  if (isEndless) {
    response.destroy();
    return document.problemOf(operation, statusCode, type, '');
  }
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  const answer = Buffer.concat(parts).toString();
  if (statusCode === 201) remember(operation, answer);
  if (statusCode >= 500) return `${statusCode}: ${answer}`;
  if (/\bat .*\.[cm]?[jt]s:\d+/.test(answer)) return `a stack trace: ${answer}`;
  return document.problemOf(operation, statusCode, type, answer);
}

it(
  `answers ${REQUESTS} generated requests as the document says (CONTRACT_SEED=${SEED})`,
  async () => {
    const operations = document.operations.filter(({ id }) => !LEFT_OUT.includes(id));
    const arbitrary = fc.constantFrom(...operations).chain(requestTo);
    const wrong: string[] = [];
    let left = REQUESTS;
    let requests: Sent[] = [];
    const next = (): Sent | undefined => {
      if (requests.length === 0 && left > 0) {
        requests = fc.sample(arbitrary, { numRuns: Math.min(left, SLICE), seed: SEED + left });
        left -= requests.length;
      }
      return requests.pop();
    };
    const lane = async (): Promise<void> => {
      for (let sent = next(); sent && wrong.length < MOST_FAILURES; sent = next()) {
        const problem = await send(sent).catch((error: Error) => `no answer: ${error.message}`);
        const { operation, path, headers, body } = sent;
        if (problem)
          wrong.push(`${operation.method} ${path} ${JSON.stringify(headers)} ${body}\n  ${problem}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    expect(wrong).toEqual([]);
    expect((await daemon.request('/readyz')).status).toBe(200);
  },
  60_000 + REQUESTS * 60,
);
