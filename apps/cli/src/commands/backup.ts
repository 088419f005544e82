import { createWriteStream } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { CliError, EXIT } from '../exit-codes.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';

/** How an export ends that is whole. */
const END = /\n\{"end":true,"jobs":(\d+)\}\n$/;
const LONGEST_END = 100;

export function addBackup(program: Command, kit: Kit, outcome: Outcome): void {
  const out = program
    .command('export')
    .description(
      'write the ledger into a file: jobs, schedules, users, tokens, usage; not their logs (admins only)',
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
  const unfinished = `${target}.unfinished`;
  const { body } = await client.exportLedger();
  let bytes = 0;
  let tail = '';
  try {
    const lines = Readable.fromWeb(body as import('node:stream/web').ReadableStream).map(
      (piece: Uint8Array) => {
        bytes += piece.length;
        tail = (tail + Buffer.from(piece).toString('latin1')).slice(-LONGEST_END);
        return piece;
      },
    );
    await pipeline(lines, createWriteStream(unfinished, { mode: 0o600 })).catch((error: Error) => {
      throw new CliError(EXIT.away, `the export broke off (${error.message}); nothing was kept`);
    });
    const jobs = END.exec(tail)?.[1];
    if (jobs === undefined) throw new CliError(EXIT.away, 'the export was cut short; nothing was kept');
    await rename(unfinished, target);
    if (json) terminal.json({ file: target, jobs: Number(jobs), bytes });
    else terminal.print(`${jobs} jobs, ${bytes} bytes, in ${target}`);
    return EXIT.ok;
  } finally {
    await rm(unfinished, { force: true });
  }
};

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
