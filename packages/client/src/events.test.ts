import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BerthClient } from './client.js';
import { serverSentEvents } from './server-sent-events.js';
import { problem, type Seen, StubDaemon } from './stub-daemon.test-support.js';

let daemon: StubDaemon;
let client: BerthClient;
beforeAll(async () => {
  daemon = await StubDaemon.start();
  client = new BerthClient({ url: daemon.url });
});
afterAll(() => daemon.stop());

const event = (id: string, type = 'job.started') =>
  `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify({ id, type, at: '2026-11-21T02:00:00.000Z' })}\n\n`;

/** Sends a part of the stream, then breaks the connection, or leaves it open. */
function stream(text: string, end: 'breaks' | 'stays') {
  return (_seen: Seen, response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(text, () => end === 'breaks' && setTimeout(() => response.destroy(), 20));
  };
}

async function take(count: number, options = {}): Promise<{ type: string; id: string | null }[]> {
  const taken: { type: string; id: string | null }[] = [];
  for await (const { type, id } of client.events(options)) {
    taken.push({ type, id });
    if (taken.length === count) break;
  }
  return taken;
}

const resumedAfter = () => daemon.seen.map(({ headers }) => headers['last-event-id']);

it('goes on after the last event when the connection breaks, also amid an event', async () => {
  daemon.answer(
    stream(`: hello\n\n${event('1-0')}${event('2-0').slice(0, 30)}`, 'breaks'),
    stream(`${event('2-0')}${event('3-0')}`, 'stays'),
  );
  expect((await take(3)).map(({ id }) => id)).toEqual(['1-0', '2-0', '3-0']);
  expect(resumedAfter()).toEqual([undefined, '1-0']);
  expect(daemon.seen[0]).toMatchObject({ path: '/v1/events', headers: { accept: 'text/event-stream' } });
});

it('begins after the event that is named', async () => {
  daemon.answer(stream(event('8-0'), 'stays'));
  await take(1, { after: '7-0' });
  expect(resumedAfter()).toEqual(['7-0']);
});

it('is asked for by type, job and user', async () => {
  daemon.answer(stream(event('1-0'), 'stays'));
  await take(1, { types: ['job.ended', 'job.started'], jobs: [42, 'job_x'] });
  expect(Object.fromEntries(daemon.seen[0]?.query ?? [])).toEqual({
    type: 'job.ended,job.started',
    job: '42,job_x',
  });
});

it('says that events were missed', async () => {
  daemon.answer(stream(`id: 9-0\nevent: gap\ndata: {}\n\n${event('10-0')}`, 'stays'));
  expect(await take(2, { after: '1-0' })).toEqual([
    { type: 'gap', id: '9-0' },
    { type: 'job.started', id: '10-0' },
  ]);
});

it('that the daemon refuses is a problem, not silence', async () => {
  daemon.answer(problem('unauthorized', 401));
  await expect(take(1)).rejects.toMatchObject({ code: 'unauthorized' });
});

it('ends at once when its signal is aborted', async () => {
  daemon.answer(stream(event('1-0'), 'stays'));
  const stop = new AbortController();
  const reading = (async () => {
    for await (const _ of client.events({ signal: stop.signal })) stop.abort();
  })();
  await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
});

describe('a stream', () => {
  const messagesOf = async (pieces: string[], silence = 1000) => {
    const bytes = pieces.map((piece) => new TextEncoder().encode(piece));
    const body = new ReadableStream({
      pull: (controller) => {
        const piece = bytes.shift();
        if (piece) controller.enqueue(piece);
        else if (silence === 1000) controller.close();
      },
    });
    const messages = [];
    for await (const message of serverSentEvents(new Response(body), silence)) messages.push(message);
    return messages;
  };

  it.each([
    [['data: a\r', '\ndata: b\r\n\r\n'], [{ id: '', event: 'message', data: 'a\nb' }]],
    [['id: 1\ndata:x\n\ndata: y\n\n'], ['x', 'y'].map((data) => ({ id: '1', event: 'message', data }))],
    [['event: e\n\n: only a comment\n\ndata\n\n'], [{ id: '', event: 'message', data: '' }]],
    [['data: half'], []],
  ])('%j is taken apart as the standard has it', async (pieces, messages) => {
    expect(await messagesOf(pieces)).toEqual(messages);
  });

  it('that is silent for too long counts as broken', async () => {
    await expect(messagesOf(['data: a\n\n'], 30)).rejects.toThrow('nothing came for 0.03 s');
  });
});
