import { errorLines } from './error-lines.js';
import { codeOfError, EXIT } from './exit-codes.js';
import type { Terminal } from './terminal.js';

/**
 * Does one thing to each of those that were named. One that refuses doesn't keep the others from it.
 * @returns the exit code of the first that refused
 */
export async function toEach(
  words: readonly string[],
  verb: string,
  terminal: Terminal,
  act: (word: string) => Promise<void>,
): Promise<number> {
  let code: number = EXIT.ok;
  for (const word of words) {
    await act(word).catch((error: unknown) => {
      for (const line of errorLines(error, verb)) terminal.note(line);
      code ||= codeOfError(error);
    });
  }
  return code;
}
