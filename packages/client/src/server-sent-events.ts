/** One message of a `text/event-stream`. */
export interface ServerSentEvent {
  /** The last id that was sent, with this message or before it; empty: none was. */
  id: string;
  event: string;
  data: string;
}

/**
 * Takes a `text/event-stream` apart (WHATWG HTML, section 9.2.6). Half a message at the end of a connection is left out.
 * Not `EventSource`: that one can't send a token.
 * @param silenceMilliseconds without a byte for so long, the connection counts as broken
 * @throws what broke the connection
 */
export async function* serverSentEvents(
  response: Response,
  silenceMilliseconds: number,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const reader = response.body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  let rest = '';
  let [id, event, data] = ['', '', [] as string[]];
  try {
    for (;;) {
      const { value, done } = await unlessSilent(reader.read(), silenceMilliseconds);
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      // A CR at the end may be the first half of a CRLF.
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { id, event: event || 'message', data: data.join('\n') };
          [event, data] = ['', []];
          continue;
        }
        const [, field, content = ''] = /^([^:]*)(?::\x20?(.*))?$/s.exec(line) ?? [];
        if (field === 'data') data.push(content);
        else if (field === 'event') event = content;
        else if (field === 'id' && !content.includes('\0')) id = content;
      }
    }
  } finally {
    // Whoever stops taking lets go of the connection, too.
    await reader.cancel().catch(() => undefined);
  }
}

/** @throws when nothing comes in time */
async function unlessSilent<T>(reading: Promise<T>, milliseconds: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came for ${milliseconds / 1000} s`)), milliseconds);
  });
  try {
    return await Promise.race([reading, silence]);
  } finally {
    clearTimeout(timer);
  }
}
