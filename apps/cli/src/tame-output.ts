const ESCAPE = 0x1b;
const BELL = 0x07;
/** What ends an escape sequence that we let through: colours, and the moves that progress bars make. */
const HARMLESS_FINALS = new Set([...'mKABCDG'].map((letter) => letter.charCodeAt(0)));
/** Longer than any sequence that is meant well. */
const LONGEST_SEQUENCE = 64;

type State = 'text' | 'escape' | 'sequence' | 'string' | 'stringEscape' | 'highControl';

/**
 * Takes out of a job's output what would do more to a terminal than show text: writing to the clipboard, setting the title, asking
 * questions whose answers are typed at the shell (ECMA-48; xterm's "Control Sequences"). Colours and what draws progress bars
 * stay. Bytes come in pieces; a sequence may be cut anywhere.
 */
export class TameOutput {
  private state: State = 'text';
  private sequence: number[] = [];

  take(bytes: Uint8Array): Uint8Array {
    const kept: number[] = [];
    for (const byte of bytes) this.step(byte, kept);
    return Uint8Array.from(kept);
  }

  private step(byte: number, kept: number[]): void {
    switch (this.state) {
      case 'text':
        if (byte === ESCAPE) this.state = 'escape';
        else if (byte === 0xc2) this.state = 'highControl';
        else if (isText(byte)) kept.push(byte);
        return;
      case 'highControl':
        // U+0080 to U+009F, which terminals take for escape sequences, too.
        this.state = 'text';
        if (byte >= 0x80 && byte <= 0x9f) return;
        kept.push(0xc2);
        this.step(byte, kept);
        return;
      case 'escape':
        this.sequence = [];
        if (byte === 0x5b) this.state = 'sequence';
        else if ([0x5d, 0x50, 0x58, 0x5e, 0x5f].includes(byte)) this.state = 'string';
        // ESC with intermediates, such as ESC ( B, goes on up to its final letter.
        else if (byte < 0x20 || byte > 0x2f) this.end(byte, kept);
        return;
      case 'sequence':
        if (byte >= 0x20 && byte <= 0x3f && this.sequence.length < LONGEST_SEQUENCE) {
          this.sequence.push(byte);
          return;
        }
        if (HARMLESS_FINALS.has(byte) && this.sequence.every(isParameter)) {
          kept.push(ESCAPE, 0x5b, ...this.sequence, byte);
        }
        this.end(byte, kept);
        return;
      case 'string':
        if (byte === ESCAPE) this.state = 'stringEscape';
        else if (byte === BELL || byte === 0x0a) this.end(byte, kept);
        return;
      case 'stringEscape':
        this.state = byte === 0x5c ? 'text' : 'string';
    }
  }

  /** Back to text. A line's end is one also where a sequence is broken off by it, so that it can't swallow the rest. */
  private end(byte: number, kept: number[]): void {
    this.state = byte === ESCAPE ? 'escape' : 'text';
    if (byte === 0x0a || byte === 0x0d) kept.push(byte);
  }
}

function isText(byte: number): boolean {
  return (byte >= 0x20 && byte !== 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09 || byte === 0x08;
}

/** A digit, or a semicolon. */
function isParameter(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x3b;
}
