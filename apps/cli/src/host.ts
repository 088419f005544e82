/** A stream that we print to, and whether people look at it. */
export type Output = NodeJS.WritableStream & { isTTY?: boolean; columns?: number; rows?: number };

/** What surrounds one run of berth; a test hands in its own. */
export interface Host {
  environment: Record<string, string | undefined>;
  /** Where berth was called. */
  directory: string;
  stdin: AsyncIterable<Uint8Array | string>;
  stdout: Output;
  stderr: Output;
  /** Calls the handler at each Ctrl-C, instead of dying of it, until what it returns is called. */
  onInterrupt(handler: () => void): () => void;
  /** Calls the handler with what is typed, as it is typed, until what it returns is called. Missing: there is no keyboard. */
  onKey?: (handler: (text: string) => void) => () => void;
}
