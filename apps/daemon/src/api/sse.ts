import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/** Who has taken nothing for so long is cut off. */
export const PATIENCE_MS = 20_000;
/** How long a browser waits before it connects again. */
const RETRY_MS = 2000;

/**
 * Begins an answer of server-sent events (HTML, section 9.2).
 * @param id from where on who breaks off before the first event goes on
 */
export function openStream(reply: FastifyReply, id: string): ServerResponse {
  reply.hijack();
  const response = reply.raw;
  response.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  response.write(`retry: ${RETRY_MS}\nid: ${id}\n\n`);
  return response;
}

/** @param data anything that JSON holds: it has no line breaks then */
export function eventText(type: string, data: unknown, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Says that one is still here. */
export const HEARTBEAT = ':\n\n';

/**
 * Resolves when what was written is on its way: at once, mostly. Who takes nothing for too long is cut off.
 * @returns whether there is still anybody
 */
export function taken(response: ServerResponse, patienceMs = PATIENCE_MS): Promise<boolean> {
  if (response.destroyed || !response.writableNeedDrain) return Promise.resolve(!response.destroyed);
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      response.off('drain', settle).off('close', settle);
      resolve(!response.destroyed);
    };
    const timer = setTimeout(() => response.destroy(), patienceMs);
    response.on('drain', settle).on('close', settle);
  });
}
