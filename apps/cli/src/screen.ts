import type { Host } from './host.js';

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
// Shown at once where the terminal knows synchronised updates, and in order where it doesn't: nothing is cleared first.
const BEGIN = '\x1b[?2026h\x1b[H';
const END = '\x1b[J\x1b[?2026l';

/** The whole terminal, drawn over and over, with a keyboard. The shell's own screen comes back when it is closed. */
export class Screen {
  private readonly stdout: Host['stdout'];
  private readonly stopKeys: () => void;
  private readonly stopInterrupts: () => void;
  private readonly waiting: string[] = [];
  private wake: (() => void) | null = null;

  private constructor(host: Host, keyboard: NonNullable<Host['onKey']>) {
    this.stdout = host.stdout;
    const press = (key: string): void => {
      this.waiting.push(key);
      this.wake?.();
    };
    this.stopKeys = keyboard((text) => {
      for (const key of keysIn(text)) press(key);
    });
    this.stopInterrupts = host.onInterrupt(() => press('\x03'));
    this.stdout.write(ENTER);
  }

  /** null: there is nobody to look at it, or no keyboard to leave it with. */
  static open(host: Host): Screen | null {
    const canDraw = host.stdout.isTTY === true && host.environment.TERM !== 'dumb';
    return canDraw && host.onKey ? new Screen(host, host.onKey) : null;
  }

  get columns(): number {
    return this.stdout.columns ?? 80;
  }

  get rows(): number {
    return this.stdout.rows ?? 24;
  }

  /** Shows lines, as many as there is room for. */
  draw(lines: readonly string[]): void {
    const shown = lines.slice(0, this.rows).map((line) => `${line}\x1b[K`);
    this.stdout.write(`${BEGIN}${shown.join('\r\n')}${END}`);
  }

  /** The next key: a letter, `'\r'`, `'\x1b[A'` …; null: none was pressed for so long. */
  async key(milliseconds: number): Promise<string | null> {
    if (this.waiting.length === 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.wake = null;
    }
    return this.waiting.shift() ?? null;
  }

  close(): void {
    this.stopInterrupts();
    this.stopKeys();
    this.stdout.write(LEAVE);
  }
}

/** Keys that came in one piece: those of one sequence (`ESC [ A`) belong together. */
function keysIn(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what keys send.
  return text.match(/\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])|./gsu) ?? [];
}
