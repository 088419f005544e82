import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';

const WITHOUT_BODY = new Set([101, 204, 205, 304]);

/** A `fetch` that goes by a unix socket, whatever host an address names. Bodies are texts. */
export function socketFetch(socketPath: string): typeof fetch {
  return async (input, { method = 'GET', headers, body, signal } = {}) => {
    const { pathname, search, host } = new URL(input instanceof Request ? input.url : input);
    const sent = request({
      socketPath,
      path: `${pathname}${search}`,
      method,
      headers: { ...Object.fromEntries(new Headers(headers ?? {})), host },
      ...(signal ? { signal } : {}),
    });
    sent.end(body as string | undefined);
    const answer = await answerTo(sent);
    const { statusCode = 0, statusMessage = '', rawHeaders } = answer;
    const pairs: [string, string][] = [];
    for (let i = 0; i < rawHeaders.length; i += 2) pairs.push([rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '']);
    const stream = WITHOUT_BODY.has(statusCode)
      ? null
      : (Readable.toWeb(answer) as ReadableStream<Uint8Array>);
    return new Response(stream, { status: statusCode, statusText: statusMessage, headers: pairs });
  };
}

function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once('response', resolve);
    // It stays: what breaks later breaks the answer's own stream.
    sent.on('error', reject);
  });
}
