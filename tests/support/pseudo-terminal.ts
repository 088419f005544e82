import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';

const BEGINS_FRAME = '\x1b[?2026h';

/** A program on a terminal of its own (util-linux's `script`), with hands on its keyboard. */
export class PseudoTerminal {
  /** Everything that was written to the terminal. */
  raw = '';
  private readonly process: ChildProcess;
  private readonly ended: Promise<number>;
  private wake: () => void = () => undefined;

  constructor(argv: readonly string[], environment: Record<string, string>, [columns, rows] = [100, 24]) {
    const quoted = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    const line = `stty cols ${columns} rows ${rows}; exec ${quoted}`;
    this.process = spawn('script', ['-qfec', line, '/dev/null'], {
      env: { PATH: process.env.PATH, TERM: 'xterm-256color', SHELL: '/bin/sh', ...environment },
      cwd: '/tmp',
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.raw += text;
      this.wake();
    });
    this.ended = once(this.process, 'close').then(([code]) => {
      this.wake();
      return code as number;
    });
  }

  /** What is on the screen of a program that draws all of it; of others everything that they wrote. */
  get screen(): string {
    const last = this.raw.slice(Math.max(0, this.raw.lastIndexOf(BEGINS_FRAME)));
    return stripVTControlCharacters(last).replaceAll('\r', '');
  }

  type(keys: string): void {
    this.process.stdin?.write(keys);
  }

  /** Resolves with the screen as soon as it shows this. */
  async shows(what: RegExp): Promise<string> {
    const deadline = AbortSignal.timeout(20_000);
    for (;;) {
      const { screen } = this;
      if (what.test(screen)) return screen;
      await new Promise<void>((resolve, reject) => {
        this.wake = resolve;
        deadline.onabort = () => reject(new Error(`the terminal never shows ${what}:\n${this.screen}`));
        if (deadline.aborted || this.process.exitCode !== null)
          reject(new Error(`no ${what}:\n${this.screen}`));
      });
    }
  }

  /** Its exit code. */
  exit(): Promise<number> {
    return this.ended;
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }
}
