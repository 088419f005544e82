const NEWLINE = 10;
const RETURN = 13;
const LONGEST_LINE = 64 * 1024;

/** Splits bytes into lines; a carriage return ends one too, as progress bars use it. Of a line that is too long nothing is kept. */
export class Lines {
  private open: Buffer[] = [];
  /** How many bytes there are since the last line's end. */
  openBytes = 0;

  *add(bytes: Buffer): Generator<string> {
    let from = 0;
    for (let i = 0; i < bytes.length; i += 1) {
      if (bytes[i] !== NEWLINE && bytes[i] !== RETURN) continue;
      this.keep(bytes.subarray(from, i));
      yield* this.end();
      from = i + 1;
    }
    this.keep(bytes.subarray(from));
  }

  /** The last line, that nothing ended: a progress bar's mostly. */
  *end(): Generator<string> {
    const line = Buffer.concat(this.open);
    if (this.openBytes > 0 && this.openBytes <= LONGEST_LINE) yield line.toString('utf8');
    this.open = [];
    this.openBytes = 0;
  }

  private keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.openBytes += bytes.length;
    if (this.openBytes <= LONGEST_LINE) this.open.push(Buffer.from(bytes));
    else this.open = [];
  }
}
