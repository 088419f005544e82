/** What PyTorch and torchrun put before each line of a rank. */
const RANK_PREFIX = /^\[(?:rank|default)\d+\]:(?: |$)/gm;
/** The same, but of the first line of a traceback: PyTorch puts it there only where nobody has caught the exception. */
const INNER_RANK_PREFIX = /^\[(?:rank|default)\d+\]:(?: (?!Traceback \()|$)/gm;

const TRACEBACK =
  /^(\[rank\d+\]: )?(?:\[default\d+\]: )?Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)+(\S.*)$/gm;
/** What a launcher says of its ranks tells less than they do. */
const OF_A_LAUNCHER = /^\S*(?:ChildFailedError|CalledProcessError)\b/;
/** Python's words before a traceback that ended nothing. */
const AT_THE_EXIT = /^(?:Exception ignored in|Error in atexit).*\n$/m;
const DIRECT_CAUSE = 'The above exception was the direct cause of the following exception:';
const WHILE_HANDLING = 'During handling of the above exception, another exception occurred:';
const FRAME = /^ {2}File ("[^"]+"), line \d+, (in .+)(?:\n {4}(.*))?$/gm;

/** How many other lines may stand among what several processes say as they die, such as the rest of a message. */
const FEW_LINES = 4;
/** A line of native code, by its place in the source (but in an exception's message) or as runtimes and shells put it. */
const NATIVE_LINE =
  /(?<!enforce fail at \w+)\.(?:cu|cuh|c|cc|cpp|h|hpp):\d+\b|\bNCCL WARN\b|^ERROR: Unexpected .* encountered in worker|^terminate called |^ +what\(\): |^Fatal Python error: |^(?:.*: line \d+: +\d+ )?(?:Bus error|Segmentation fault|Killed)\b/;

interface Traceback {
  begin: number;
  end: number;
  text: string;
  isUncaught: boolean;
  exception: string;
}

/** The output without what is put before the lines of ranks. */
export const withoutRanks = (output: string): string => output.replace(RANK_PREFIX, '');

/** PyTorch's data loader writes the 0 at the end of its words too, and a traceback begins behind it. */
const withoutZeros = (output: string): string => output.replaceAll('\0', '');

/**
 * The part of an output that tells how its program ended: from the traceback on with which Python did, so that what the
 * program had survived before is left out. To it belong the exceptions that this one was raised from, those of other ranks,
 * and what native code said just before. All of the output where there is no traceback.
 */
export function fatalPart(output: string): string {
  const text = withoutZeros(output).replace(INNER_RANK_PREFIX, '');
  const tracebacks = [...text.matchAll(TRACEBACK)].map(
    (match): Traceback => ({
      begin: match.index,
      end: match.index + match[0].length,
      text: match[0],
      isUncaught: match[1] !== undefined,
      exception: match[2] as string,
    }),
  );
  let first = tracebacks.findLastIndex(
    ({ begin, exception }) =>
      !OF_A_LAUNCHER.test(exception) && !AT_THE_EXIT.test(lastLineOf(text.slice(0, begin))),
  );
  if (first < 0) return withoutRanks(text);
  for (; first > 0; first -= 1) {
    const [before, after] = [tracebacks[first - 1], tracebacks[first]] as [Traceback, Traceback];
    if (!isOfTheSameEnd(before, after, text.slice(before.end, after.begin))) break;
  }
  const { begin } = tracebacks[first] as Traceback;
  return withoutRanks([...nativeLinesAtTheEnd(text.slice(0, begin)), text.slice(begin)].join('\n'));
}

function isOfTheSameEnd(before: Traceback, after: Traceback, between: string): boolean {
  if (between.includes(DIRECT_CAUSE)) return true;
  if (between.includes(WHILE_HANDLING)) return isRaisedAgain(before, after);
  return before.isUncaught || otherLinesOf(between).length <= FEW_LINES;
}

/** Whether the function that caught an exception has raised the next one by itself; else that one is a mistake of its own. */
function isRaisedAgain(caught: Traceback, raised: Traceback): boolean {
  const [, file, name, code] = [...raised.text.matchAll(FRAME)].at(-1) ?? [];
  if (!code || !/^raise\b/.test(code)) return false;
  return [...caught.text.matchAll(FRAME)].some((frame) => frame[1] === file && frame[2] === name);
}

const otherLinesOf = (text: string): string[] =>
  text.split('\n').filter((line) => line.trim() !== '' && !NATIVE_LINE.test(line));

function nativeLinesAtTheEnd(text: string): string[] {
  const lines = text.split('\n');
  let others = 0;
  const begin = lines.findLastIndex((line) => {
    if (line.trim() !== '' && !NATIVE_LINE.test(line)) others += 1;
    return others > FEW_LINES;
  });
  return lines.slice(begin + 1).filter((line) => NATIVE_LINE.test(line));
}

const lastLineOf = (text: string): string => text.slice(text.lastIndexOf('\n', text.length - 2) + 1);
