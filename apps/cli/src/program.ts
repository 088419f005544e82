import { open, readFile, stat } from 'node:fs/promises';
import { basename, extname, isAbsolute, join, resolve } from 'node:path';
import { CliError, EXIT } from './exit-codes.js';
import type { Host } from './host.js';
import { type Headers, headersOf } from './script-headers.js';

/** What is to run, as somebody typed it. */
export interface Program {
  /** The command; empty where there is a script. */
  words: readonly string[];
  script?: string;
  /** What it is called unless somebody says otherwise; left out: as the daemon likes. */
  name?: string;
  headers: Headers;
}

const NO_HEADERS: Headers = { flags: [], lost: [] };

/**
 * Reads what is to run: `--script FILE`, `--wrap LINE`, a script by its name (`train.sh`), or a command.
 * A script without arguments is taken as it is now, so that editing it later changes nothing.
 * @throws CliError
 */
export async function programOf(
  { script: file, wrap }: { script?: string; wrap?: string },
  words: readonly string[],
  { stdin, directory, environment }: Pick<Host, 'stdin' | 'directory' | 'environment'>,
): Promise<Program> {
  const ways = [
    file !== undefined && '--script',
    wrap !== undefined && '--wrap',
    words.length > 0 && 'a command',
  ];
  const named = ways.filter((way) => way !== false);
  if (named.length > 1) {
    const extra = words.length > 0 ? ` ('${words[0]}' is too much)` : '';
    throw new CliError(EXIT.usage, `give ${named.join(' or ')}, not both${extra}`);
  }
  if (wrap !== undefined)
    return { words: [], script: `#!/bin/sh\n${wrap}\n`, name: 'wrap', headers: NO_HEADERS };
  if (file !== undefined) {
    const script = file === '-' ? await textOf(stdin) : await read(resolve(directory, file));
    const name = file === '-' ? 'stdin' : basename(file);
    return { words: [], script, ...(file === '-' ? {} : { name }), headers: headersOf(script, name) };
  }
  const script = await namedScript(words, directory, environment.PATH);
  if (script) return script;
  await refuseNoProgram(words, directory, environment.PATH);
  return { words, headers: NO_HEADERS };
}

/**
 * Refuses what people type that no shell would find, and who would learn it only when the job's turn has come.
 * @throws CliError with what to write instead
 */
async function refuseNoProgram(words: readonly string[], directory: string, searchPath = ''): Promise<void> {
  const [word = ''] = words;
  const isHere = await isFile(resolve(directory, word));
  if (words.length === 1 && /\s/.test(word) && !isHere)
    throw new CliError(
      EXIT.usage,
      `'${word}' is one word: leave the quotes out, or write --wrap for a line of shell`,
    );
  if (word.includes('/') || !isHere || (await isOnPath(word, searchPath))) return;
  const runner = { '.py': 'python3 ', '.sh': 'bash ' }[extname(word)] ?? './';
  throw new CliError(
    EXIT.usage,
    `'${word}' is a file here, but no program on the PATH: write ${runner}${word}`,
  );
}

/**
 * A script that a person named as the first word. One without header lines is only taken for a script where it could be no
 * command: where a shell would not find it either.
 */
async function namedScript(
  words: readonly string[],
  directory: string,
  searchPath = '',
): Promise<Program | null> {
  const [word = '', ...more] = words;
  const path = isAbsolute(word) ? word : join(directory, word);
  const text = await scriptAt(path);
  if (text === null) return null;
  const headers = headersOf(text, basename(word));
  const isCommand = word.includes('/') || (await isOnPath(word, searchPath));
  if (isCommand && headers.flags.length + headers.lost.length === 0) return null;
  if (more.length === 0) return { words: [], script: text, name: basename(word), headers };
  const interpreter = (/^#!\s*(.*?)\s*$/m.exec(text)?.[1] ?? '/bin/sh').split(/\s+(.*)/).filter(Boolean);
  return { words: [...interpreter, path, ...more], name: basename(word), headers };
}

/** The text of a file that begins with `#!`; null: it is none. */
async function scriptAt(path: string): Promise<string | null> {
  const file = await open(path).catch(() => null);
  if (!file) return null;
  try {
    if (!(await file.stat()).isFile()) return null;
    // From the beginning, wherever the file is read on from then.
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return buffer.toString('latin1') === '#!' ? await file.readFile('utf8') : null;
  } finally {
    await file.close();
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}

async function isOnPath(word: string, searchPath: string): Promise<boolean> {
  for (const folder of searchPath.split(':').filter(isAbsolute)) {
    const file = await open(join(folder, word)).catch(() => null);
    await file?.close();
    if (file) return true;
  }
  return false;
}

async function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? `there is no file ${path}` : error.message;
    throw new CliError(EXIT.usage, `the script can't be read: ${why}`);
  });
}

async function textOf(stdin: Host['stdin']): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stdin) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString('utf8');
}
