/** More lines than this aren't kept: nobody scrolls through them in a browser. */
export const MOST_LINES = 100_000;

/**
 * Bytes of a log, as lines: the last one may go on growing, and what a carriage return overwrote isn't shown, as on a terminal.
 */
export class LogLines {
  lines: string[] = [];
  /** How many were let go at the beginning. */
  dropped = 0;
  private readonly decoder = new TextDecoder();
  private open = '';

  add(bytes: Uint8Array): void {
    const text = this.open + this.decoder.decode(bytes, { stream: true });
    const parts = text.split('\n');
    this.open = parts.pop() as string;
    for (const part of parts) this.lines.push(overwritten(part));
    const surplus = this.lines.length - MOST_LINES;
    if (surplus > 0) {
      this.lines.splice(0, surplus);
      this.dropped += surplus;
    }
  }

  /** All lines, the unfinished one too. */
  get shown(): readonly string[] {
    return this.open === '' ? this.lines : [...this.lines, overwritten(this.open)];
  }
}

function overwritten(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  return text.slice(text.lastIndexOf('\r') + 1);
}
