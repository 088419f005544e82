import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { errorLines } from './error-lines.js';
import { CliError, EXIT } from './exit-codes.js';
import { Detached, untilInterrupted } from './follow.js';
import type { Host } from './host.js';
import type { Action, Kit } from './kit.js';
import { Screen } from './screen.js';
import { Terminal } from './terminal.js';

const DEFAULT_SECONDS = 2;
/** Verbs behind which a number may be what to show. */
const TAKES_WORDS: ReadonlySet<string> = new Set(['show', 'devices']);
const QUIT = ['q', 'Q', '\x03', '\x1b'];

export interface WatchOptions {
  watch?: number | true;
}

/** Gives a verb the flag `--watch`. */
export function withWatch(command: Command): Command {
  return command.option(
    '--watch [seconds]',
    'show it again and again, every 2 s or so often; q quits',
    seconds,
  );
}

function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d{1,5}(\.\d+)?$/.test(text) || value < 0.1) {
    throw new InvalidArgumentError('It must be a number of seconds, 0.1 or more.');
  }
  return value;
}

/** A verb that shows something, made one that shows it again and again where it is asked to. */
export function watched<Options extends WatchOptions>(
  verb: string,
  action: Action<Options>,
): Action<Options> {
  return async (kit, options, words) => {
    const { watch } = options;
    if (watch === undefined) return action(kit, options, words);
    if (
      typeof watch === 'number' &&
      words.length === 0 &&
      TAKES_WORDS.has(verb) &&
      kit.argv.includes('--watch')
    ) {
      throw new CliError(
        EXIT.usage,
        `is ${watch} what to show, or seconds? write berth ${verb} ${watch} --watch, or berth ${verb} --watch=${watch}`,
      );
    }
    const every = watch === true ? DEFAULT_SECONDS : watch;
    // Before the screen is taken: what is wrong with the words, or that no daemon runs, is said as ever.
    const first = await frameOf(kit, (each) => action(each, options, words));
    const screen = options.json ? null : Screen.open(kit.host);
    if (!screen) return repeated(kit, every, () => action(kit, options, words));
    try {
      let lines = first;
      for (;;) {
        const clock = new Date().toTimeString().slice(0, 8);
        screen.draw([
          kit.terminal.paint('dim', `berth ${verb}, every ${every} s, ${clock}; q quits`),
          ...lines,
        ]);
        const key = await screen.key(every * 1000);
        if (key !== null && QUIT.includes(key)) return EXIT.ok;
        lines = await frameOf(kit, (each) => action(each, options, words)).catch((error) =>
          errorLines(error, verb),
        );
      }
    } finally {
      screen.close();
    }
  };
}

/** What somebody would have seen on the terminal. */
export async function frameOf<K extends Kit>(kit: K, show: (kit: K) => Promise<unknown>): Promise<string[]> {
  let text = '';
  const output = {
    isTTY: true,
    columns: kit.host.stdout.columns,
    write: (piece: string) => {
      text += piece;
      return true;
    },
  } as unknown as Host['stdout'];
  const terminal = new Terminal({ ...kit.host, stdout: output, stderr: output });
  // Made from the kit, not copied: a copy would ask for the client before anybody needs it.
  await show(Object.create(kit, { terminal: { value: terminal } }) as K);
  return text.replace(/\n$/, '').split('\n');
}

/** For a program that reads: one picture after the other, until Ctrl-C. */
async function repeated(kit: Kit, every: number, show: () => Promise<number>): Promise<number> {
  try {
    return await untilInterrupted(kit, async (signal) => {
      for (;;) {
        await show();
        // It may have come meanwhile; who only listens from now on doesn't hear it.
        signal.throwIfAborted();
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(resolve, every * 1000);
          signal.addEventListener('abort', () => {
            clearTimeout(timer);
            reject(signal.reason);
          });
        });
      }
    });
  } catch (error) {
    if (error instanceof Detached) return EXIT.ok;
    throw error;
  }
}
