import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { CliError, EXIT } from '../exit-codes.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';

/** The last line of an export that is whole. */
const END = /^\{"end":true,"jobs":(\d+)\}$/;

/** What an export says of something that could not be read: its key, and why. */
interface Damage {
  damaged: string;
  why: string;
}

export function addBackup(program: Command, kit: Kit, outcome: Outcome): void {
  const out = program
    .command('export')
    .description(
      'write the ledger into a file: jobs, schedules, users, tokens, usage; not their logs (admins only); exits with 1 where ' +
        'something in it can not be read: all else is in the file',
    )
    .argument('<file>', 'is replaced when the export is whole; it holds secrets, so only you may read it');
  withExamples(out, 'berth export berth-$(date +%F).jsonl');
  addVerb(out, kit, outcome, exportLedger);
  const back = program
    .command('import')
    .description('take an export into an empty ledger; jobs that ran then wait, held (admins only)')
    .argument('<file>', 'what berth export wrote');
  withExamples(back, 'berth import berth-2026-11-21.jsonl');
  addVerb(back, kit, outcome, importLedger);
}

const exportLedger: Action<object> = async ({ client, host, terminal }, { json }, [file]) => {
  const target = resolve(host.directory, file as string);
  const there = await stat(target).catch(() => null);
  // Renamed over a device, as root, it would take its place.
  if (file === '-' || (there && !there.isFile()))
    throw new CliError(EXIT.usage, `${file} is no file that an export could replace: name one`);
  const unfinished = `${target}.unfinished`;
  const { body } = await client.exportLedger();
  try {
    const lines = Readable.fromWeb(body as import('node:stream/web').ReadableStream);
    await pipeline(lines, createWriteStream(unfinished, { mode: 0o600 })).catch((error: Error) => {
      throw new CliError(EXIT.away, `the export broke off (${error.message}); nothing was kept`);
    });
    const { jobs, damaged } = await contentsOf(unfinished);
    if (jobs === null) throw new CliError(EXIT.away, 'the export was cut short; nothing was kept');
    const { size: bytes } = await stat(unfinished);
    await rename(unfinished, target);
    if (json) terminal.json({ file: target, jobs, bytes, damaged });
    else terminal.print(`${jobs} jobs, ${bytes} bytes, in ${target}`);
    for (const { damaged: key, why } of damaged)
      terminal.note(`${key} can not be read, and is not among them (${why}); berth doctor says what to do`);
    return damaged.length > 0 ? EXIT.failure : EXIT.ok;
  } finally {
    await rm(unfinished, { force: true });
  }
};

/** How many jobs an export says that it has, null: it has no end; and what could not be read. */
async function contentsOf(file: string): Promise<{ jobs: number | null; damaged: Damage[] }> {
  const damaged = new Map<string, Damage>();
  let last = '';
  for await (const line of createInterface({ input: createReadStream(file) })) {
    last = line;
    if (!line.startsWith('{"damaged":')) continue;
    const { damaged: key, why } = JSON.parse(line) as Damage;
    damaged.set(key, { damaged: key, why });
  }
  const jobs = END.exec(last)?.[1];
  return { jobs: jobs === undefined ? null : Number(jobs), damaged: [...damaged.values()] };
}

const importLedger: Action<object> = async ({ client, host, terminal }, { json }, [file]) => {
  const source = resolve(host.directory, file as string);
  const lines = await readFile(source).catch((error: Error) => {
    throw new CliError(EXIT.usage, `${source} can't be read: ${error.message}`);
  });
  const imported = await client.importLedger(lines);
  if (json) terminal.json(imported);
  else {
    const { jobs, held } = imported;
    const more =
      held > 0
        ? `; ${held} of them ran when they were exported and wait now, held: berth ls, berth release`
        : '';
    terminal.print(`${jobs} jobs${more}`);
  }
  return EXIT.ok;
};
