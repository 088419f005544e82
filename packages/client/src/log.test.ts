import { afterAll, beforeAll, expect, it } from 'vitest';
import { job } from '../../../tests/support/sample-job.js';
import { BerthClient } from './client.js';
import type { LogOptions } from './jobs.js';
import { json, problem, StubDaemon } from './stub-daemon.test-support.js';

let daemon: StubDaemon;
let client: BerthClient;
beforeAll(async () => {
  daemon = await StubDaemon.start();
  client = new BerthClient({ url: daemon.url });
});
afterAll(() => daemon.stop());

/** Sends a part of a log from an offset on, then ends the answer or breaks the connection. */
function log(from: number, text: string, end: 'ends' | 'breaks') {
  return (_seen: unknown, response: import('node:http').ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'text/plain', 'berth-log-offset': String(from) });
    response.write(text, () => (end === 'ends' ? response.end() : setTimeout(() => response.destroy(), 20)));
  };
}

async function read(options: LogOptions): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const part of client.jobs.logs(12, options)) text += decoder.decode(part, { stream: true });
  return text;
}

const places = () =>
  daemon.seen
    .filter(({ path }) => path.endsWith('/logs'))
    .map(({ query }) => ({ offset: query.get('offset'), tail: query.get('tail') }));

it('is read to its end', async () => {
  daemon.answer(log(0, 'one\ntwo\n', 'ends'));
  expect(await read({ rank: 1, attempt: 2 })).toBe('one\ntwo\n');
  expect(Object.fromEntries(daemon.seen[0]?.query ?? [])).toEqual({ rank: '1', attempt: '2' });
});

it('is opened as an answer, for who wants to save it without looking', async () => {
  daemon.answer(log(0, 'one\ntwo\n', 'ends'));
  const answer = await client.jobs.openLog(12, { rank: 1, attempt: 2 });
  expect(await answer.text()).toBe('one\ntwo\n');
  expect(Object.fromEntries(daemon.seen[0]?.query ?? [])).toEqual({ rank: '1', attempt: '2' });
});

it('goes on where it was after a broken connection', async () => {
  daemon.answer(log(100, 'one\n', 'breaks'), log(104, 'two\n', 'ends'), json(job({ state: 'succeeded' })));
  expect(await read({ follow: true, tail: 5 })).toBe('one\ntwo\n');
  expect(places()).toEqual([
    { offset: null, tail: '5' },
    { offset: '104', tail: null },
  ]);
});

it('goes on when the daemon ended the answer but the job has not ended', async () => {
  daemon.answer(
    log(0, 'one\n', 'ends'),
    json(job({ state: 'running' })),
    log(4, 'two\n', 'ends'),
    json(job({ state: 'failed' })),
  );
  expect(await read({ follow: true })).toBe('one\ntwo\n');
});

it('leaves out what one stream has sent already, for its bytes are not the offsets of the log', async () => {
  daemon.answer(
    log(50, 'one\ntw', 'breaks'),
    log(50, 'one\ntwo\n', 'ends'),
    json(job({ state: 'succeeded' })),
  );
  expect(await read({ follow: true, stream: 'stdout', offset: 50 })).toBe('one\ntwo\n');
  expect(places().map(({ offset }) => offset)).toEqual(['50', '50']);
});

it('that nobody has is a problem, not an empty log', async () => {
  daemon.answer(problem('not_found', 404));
  await expect(read({})).rejects.toMatchObject({ code: 'not_found' });
});

it('lets go of the connection when its reader stops', async () => {
  let closed: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    closed = resolve;
  });
  daemon.answer((_seen, response) => {
    response.on('close', closed);
    response.writeHead(200, { 'berth-log-offset': '0' });
    response.write('one\n');
  });
  for await (const _ of client.jobs.logs(12, { follow: true })) break;
  await gone;
});

it('ends at once when its signal is aborted', async () => {
  daemon.answer((_seen, response) => {
    response.writeHead(200, { 'berth-log-offset': '0' });
    response.write('one\n');
  });
  const stop = new AbortController();
  const reading = (async () => {
    for await (const _ of client.jobs.logs(12, { follow: true, signal: stop.signal })) stop.abort();
  })();
  await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
});
