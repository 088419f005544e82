// What socket-fetch.ts needs of Node: all else here is compiled for browsers too, which have none of its types.

declare module 'node:http' {
  import type { NodeReadable } from 'node:stream';

  export interface IncomingMessage extends NodeReadable {
    statusCode?: number;
    statusMessage?: string;
    rawHeaders: string[];
  }
  export interface ClientRequest {
    end(body?: string): void;
    once(event: 'response', listener: (answer: IncomingMessage) => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
  }
  export function request(options: {
    socketPath: string;
    path: string;
    method: string;
    headers: Record<string, string>;
    signal?: AbortSignal;
  }): ClientRequest;
}

declare module 'node:stream' {
  export interface NodeReadable {
    readonly readable: boolean;
  }
  export const Readable: { toWeb(stream: NodeReadable): unknown };
}
