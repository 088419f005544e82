import { once } from 'node:events';
import { styleText } from 'node:util';
import type { Host, Output } from './host.js';
import { TameOutput } from './tame-output.js';

export type Colour = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan';

/** Where berth speaks: results on stdout, everything else on stderr. */
export class Terminal {
  /** Whether people read stdout, and not a program. */
  readonly isInteractive: boolean;
  /** How wide a line may be; no limit where a program reads. */
  readonly columns: number;
  /** Whether a line may stand below what is printed, and be written over. */
  readonly hasStatusLine: boolean;
  private readonly tame = new TameOutput();
  private hasStatus = false;
  private readonly stdout: Output;
  private readonly stderr: Output;
  private readonly isColoured: boolean;

  constructor({ stdout, stderr, environment }: Host) {
    this.stdout = stdout;
    this.stderr = stderr;
    this.isInteractive = stdout.isTTY === true;
    // A terminal that doesn't know its width says 0.
    this.columns = this.isInteractive ? stdout.columns || 80 : Number.POSITIVE_INFINITY;
    this.hasStatusLine = this.isInteractive && stderr.isTTY === true && environment.TERM !== 'dumb';
    this.isColoured = this.isInteractive && !environment.NO_COLOR && environment.TERM !== 'dumb';
  }

  print(line = ''): void {
    this.stdout.write(`${line}\n`);
  }

  /** Something that people may want to know, and that no program should have to skip. */
  note(line: string): void {
    this.stderr.write(`${line}\n`);
  }

  /** Shows one line below what is printed, instead of the one before; null: none. */
  status(line: string | null): void {
    if (!this.hasStatusLine || (line === null && !this.hasStatus)) return;
    this.hasStatus = line !== null;
    this.stderr.write(`\r\x1b[2K${line ?? ''}`);
  }

  json(value: unknown): void {
    this.print(JSON.stringify(value, null, this.isInteractive ? 2 : 0));
  }

  /** A job's output, no faster than it is taken: to a program as it is, to people without what would steer their terminal. */
  async pass(bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    const shown = this.isInteractive ? this.tame.take(bytes) : bytes;
    if (!this.stdout.write(shown)) await once(this.stdout, 'drain', signal ? { signal } : {});
  }

  paint(colour: Colour, text: string): string {
    return this.isColoured ? styleText(colour, text, { validateStream: false }) : text;
  }
}

/** Text of others, such as a job's name, without what would steer a terminal, or turn round what stands beside it (UAX #9). */
export function harmless(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\u{FFFD}');
}
