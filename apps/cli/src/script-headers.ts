import { CliError, EXIT } from './exit-codes.js';
import { shellWords } from './shell-words.js';
import { readSbatch } from './slurm/sbatch-options.js';

/** What the header lines of a script say. */
export interface Headers {
  /** Flags of `berth submit`, in the order of the lines. */
  flags: string[];
  /** What means nothing here, a sentence each. */
  lost: string[];
}

const HEADER = /^#(BERTH|SBATCH)(?=\s|$)(.*)$/;

/**
 * Reads the lines `#BERTH …` and `#SBATCH …` at the head of a script. As with sbatch, the head ends at the first line that is
 * no comment. A script for both queues may say things twice: the later line wins.
 * @param name the script's, for what is said about its lines
 * @throws CliError for a line that can't be read
 */
export function headersOf(script: string, name: string): Headers {
  const found: Headers = { flags: [], lost: [] };
  for (const [i, line] of script.split(/\r?\n/).entries()) {
    if (line.trim() !== '' && !line.startsWith('#')) break;
    const [, kind, text = ''] = HEADER.exec(line) ?? [];
    if (kind === undefined) continue;
    const place = `${name}:${i + 1}`;
    const words = wordsOf(text, place);
    if (kind === 'BERTH') {
      const command = words.find((word, at) => at === 0 && !word.startsWith('-'));
      if (command !== undefined)
        throw new CliError(EXIT.usage, `${place}: #BERTH takes flags, not '${command}'`);
      found.flags.push(...words);
      continue;
    }
    const { options, rest } = readSbatch(words);
    for (const option of options) {
      found.flags.push(...option.flags);
      if (option.lost) found.lost.push(`${place}: #SBATCH ${option.name} means nothing here: ${option.lost}`);
    }
    if (rest.length > 0)
      found.lost.push(`${place}: #SBATCH takes flags; '${rest.join(' ')}' means nothing here`);
  }
  return found;
}

function wordsOf(text: string, place: string): string[] {
  try {
    return shellWords(text);
  } catch (error) {
    throw new CliError(EXIT.usage, `${place}: ${(error as Error).message}`);
  }
}
