import type { FastifyReply } from 'fastify';
import type { LogPiece } from './log-follower.js';
import { eventText, HEARTBEAT, openStream, taken } from './sse.js';

const HEARTBEAT_MS = 15_000;

/** Where a follower of a log is: an attempt and the offset behind what it has. */
export interface LogPlace {
  attempt: number;
  offset: number;
}

/** The place that an id of an event names; null: it is none. */
export function placeIn(id: string): LogPlace | null {
  const [, attempt, offset] = /^([1-9]\d{0,8}):(\d{1,15})$/.exec(id) ?? [];
  return attempt === undefined ? null : { attempt: Number(attempt), offset: Number(offset) };
}

/**
 * Sends a log as server-sent events: `output` with text, `gap` where it is kept no longer, and after the last of it `end`.
 * @param place where it begins
 * @param ended what `end` says, asked for when the log is over
 */
export async function sendLogEvents(
  pieces: AsyncIterable<LogPiece>,
  place: LogPlace,
  reply: FastifyReply,
  ended: () => Promise<unknown>,
): Promise<void> {
  const response = openStream(reply, `${place.attempt}:${place.offset}`);
  const heart = setInterval(() => response.write(HEARTBEAT), HEARTBEAT_MS);
  let rest = Buffer.alloc(0);
  let at = place;
  const say = (type: string, to: LogPlace, data: object): void => {
    response.write(eventText(type, { attempt: to.attempt, ...data }, `${to.attempt}:${to.offset}`));
    at = to;
  };
  const flush = (): void => {
    if (rest.length > 0)
      say('output', { ...at, offset: at.offset + rest.length }, { offset: at.offset, text: rest.toString() });
    rest = Buffer.alloc(0);
  };
  try {
    for await (const { attempt, from, to, data } of pieces) {
      if (attempt !== at.attempt || data === null) flush();
      if (data === null) {
        say('gap', { attempt, offset: to }, { from, to });
      } else {
        const offset = from - rest.length;
        const bytes = rest.length === 0 ? data : Buffer.concat([rest, data]);
        const whole = bytes.length - unfinished(bytes);
        rest = Buffer.from(bytes.subarray(whole));
        at = { attempt, offset };
        if (whole > 0)
          say(
            'output',
            { attempt, offset: offset + whole },
            { offset, text: bytes.toString('utf8', 0, whole) },
          );
      }
      if (!(await taken(response))) return;
    }
    flush();
    if (!response.destroyed) response.end(eventText('end', await ended()));
  } finally {
    clearInterval(heart);
    if (!response.writableEnded) response.destroy();
  }
}

/** How many bytes at the end are the beginning of a character in UTF-8. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}
