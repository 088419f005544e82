import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
}

type Answer = (seen: Seen, response: ServerResponse) => void;

/** An HTTP server that answers what a test tells it, one answer a request; the last one stays. */
export class StubDaemon {
  readonly seen: Seen[] = [];
  url = '';
  private readonly server: Server;
  private answers: Answer[] = [];

  private constructor() {
    this.server = createServer(async (request, response) => {
      let body = '';
      for await (const piece of request) body += piece;
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://stub');
      const { method = '', headers } = request;
      const seen = { method, path: pathname, query: searchParams, headers, body };
      this.seen.push(seen);
      const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
      answer?.(seen, response);
    });
  }

  static async start(): Promise<StubDaemon> {
    const stub = new StubDaemon();
    stub.server.listen(0, '127.0.0.1');
    await once(stub.server, 'listening');
    stub.url = `http://127.0.0.1:${(stub.server.address() as AddressInfo).port}`;
    return stub;
  }

  answer(...answers: Answer[]): void {
    this.seen.length = 0;
    this.answers = answers;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

export function json(body: unknown, status = 200): Answer {
  return (_seen, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
}

export function problem(code: string, status: number, more: Record<string, unknown> = {}): Answer {
  return json(
    { type: `urn:berth:problem:${code}`, title: code, status, detail: `${code} it is`, ...more },
    status,
  );
}

/** Breaks the connection without an answer. */
export const hangUp: Answer = (_seen, response) => response.destroy();
