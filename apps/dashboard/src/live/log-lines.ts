/** More lines than this aren't kept: nobody scrolls through them in a browser. */
export const MOST_LINES = 100_000;
/** Nor more than so much text. */
export const MOST_CHARACTERS = 20_000_000;
/** Of a line, as much as anybody reads. */
export const LONGEST_LINE = 10_000;

/**
 * Bytes of a log, as lines: the last one may go on growing, and what a carriage return overwrote isn't shown, as on a terminal.
 * However much comes, what is kept is bounded.
 */
export class LogLines {
  /** How many were let go at the beginning. */
  dropped = 0;
  /** Grows with each change. */
  version = 0;
  private readonly lines: string[] = [];
  private characters = 0;
  private readonly decoder = new TextDecoder();
  private open = '';
  /** How much of the open line was too much. */
  private cut = 0;
  /** Whether what comes next overwrites the open line: unless it is the end of the line. */
  private isReturned = false;

  add(bytes: Uint8Array): void {
    const text = this.decoder.decode(bytes, { stream: true });
    let from = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      this.grow(text.slice(from, end));
      this.close();
      from = end + 1;
    }
    this.grow(text.slice(from));
    this.dropOldest();
    this.version += 1;
  }

  /** All lines that are kept, the unfinished one too. */
  get shown(): readonly string[] {
    return this.open === '' ? this.lines : [...this.lines, this.openLine];
  }

  private get openLine(): string {
    return this.cut === 0 ? this.open : `${this.open} … and ${this.cut} more characters, not shown`;
  }

  private grow(piece: string): void {
    if (piece === '') return;
    const isReturned = piece.endsWith('\r');
    const body = isReturned ? piece.slice(0, -1) : piece;
    const overwritten = body.lastIndexOf('\r');
    if (this.isReturned || overwritten !== -1) {
      this.open = '';
      this.cut = 0;
    }
    const fresh = body.slice(overwritten + 1);
    const room = LONGEST_LINE - this.open.length;
    this.open += fresh.slice(0, room);
    this.cut += Math.max(0, fresh.length - room);
    this.isReturned = isReturned;
  }

  private close(): void {
    this.lines.push(this.openLine);
    this.characters += this.openLine.length;
    this.open = '';
    this.cut = 0;
    this.isReturned = false;
  }

  private dropOldest(): void {
    let surplus = 0;
    while (
      this.lines.length - surplus > MOST_LINES ||
      (this.characters > MOST_CHARACTERS && surplus < this.lines.length)
    ) {
      this.characters -= (this.lines[surplus] as string).length;
      surplus += 1;
    }
    if (surplus > 0) this.lines.splice(0, surplus);
    this.dropped += surplus;
  }
}
