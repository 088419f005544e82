export interface SentEvent {
  type: string;
  data: unknown;
  /** The last id that was sent, also with an earlier event. */
  id: string | null;
}

/** Reads server-sent events as a browser does (HTML, section 9.2); the ids without data count, too. */
export async function* sentEvents(response: Response): AsyncGenerator<SentEvent> {
  if (!response.ok) throw new Error(await response.text());
  let rest = '';
  let id: string | null = null;
  const decoder = new TextDecoder();
  for await (const part of response.body as ReadableStream<Uint8Array>) {
    const blocks = (rest + decoder.decode(part, { stream: true })).split('\n\n');
    rest = blocks.pop() as string;
    for (const block of blocks) {
      const field = (name: string): string | null =>
        new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null;
      id = field('id') ?? id;
      const data = field('data');
      if (data !== null) yield { type: field('event') ?? 'message', data: JSON.parse(data), id };
    }
  }
}

/** The next events of a stream, until one is right; that one is the last. */
export async function until(
  events: AsyncGenerator<SentEvent>,
  isRight: (event: SentEvent) => boolean,
): Promise<SentEvent[]> {
  const seen: SentEvent[] = [];
  for (;;) {
    const { value, done } = await events.next();
    if (done) throw new Error(`the stream ended after ${JSON.stringify(seen)}`);
    seen.push(value);
    if (isRight(value)) return seen;
  }
}
