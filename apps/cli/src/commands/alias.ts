import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { CliError, EXIT } from '../exit-codes.js';
import { commandLine } from '../figures.js';
import { type Action, addVerb, type Kit, type Outcome } from '../kit.js';
import { SLURM_NAMES } from './slurm.js';

const BERTH = fileURLToPath(new URL('../../bin/berth.js', import.meta.url));
/** By this line we know our own again. */
const MARK = '# An alias of berth';

interface AliasOptions {
  force?: boolean;
}

export function addAlias(program: Command, kit: Kit, outcome: Outcome): void {
  const group = program
    .command('alias')
    .description("berth by the names of Slurm's commands: sbatch, squeue, scancel, sinfo")
    .addHelpText(
      'after',
      '\nExamples:\n  berth alias install ~/.local/bin\n  berth alias remove ~/.local/bin',
    );
  addVerb(
    group
      .command('install')
      .argument('<dir>', 'a folder on your PATH')
      .description('put them into a folder; what is there already stays, unless it is ours')
      .option('--force', "also where Slurm's own is on the PATH"),
    kit,
    outcome,
    install,
  );
  addVerb(
    group.command('remove').argument('<dir>').description('take them out of a folder again'),
    kit,
    outcome,
    remove,
  );
}

const install: Action<AliasOptions> = async ({ host, terminal }, { force }, [dir = '']) => {
  const folder = resolve(host.directory, dir);
  const searched = (host.environment.PATH ?? '').split(delimiter).filter(Boolean);
  for (const name of SLURM_NAMES) {
    const own = await isOurs(join(folder, name));
    if (own === false)
      throw new CliError(EXIT.refused, `${join(folder, name)} is there already, and isn't ours`);
    const other = await firstOn(searched, name);
    if (other !== null && !force && (await isOurs(other)) === false) {
      const why = 'is on your PATH: an alias would hide it, or be hidden by it';
      throw new CliError(EXIT.refused, `${other} ${why}; give --force if that is what you want`);
    }
  }
  await mkdir(folder, { recursive: true });
  for (const name of SLURM_NAMES) {
    const line = `exec ${commandLine([process.execPath, BERTH, 'slurm', name])} "$@"`;
    await writeFile(join(folder, name), `#!/bin/sh\n${MARK}; "berth alias remove" takes it away.\n${line}\n`);
    await chmod(join(folder, name), 0o755);
    terminal.print(join(folder, name));
  }
  if (!searched.includes(folder)) terminal.note(`${folder} is not on your PATH yet`);
  return EXIT.ok;
};

const remove: Action<object> = async ({ host, terminal }, _options, [dir = '']) => {
  const folder = resolve(host.directory, dir);
  for (const name of SLURM_NAMES) {
    const path = join(folder, name);
    if ((await isOurs(path)) !== true) continue;
    await rm(path);
    terminal.print(path);
  }
  return EXIT.ok;
};

/** null: there is no such file. */
async function isOurs(path: string): Promise<boolean | null> {
  const found = await stat(path).catch(() => null);
  if (!found) return null;
  return found.isFile() && found.size < 10_000 && (await readFile(path, 'utf8')).includes(MARK);
}

async function firstOn(folders: readonly string[], name: string): Promise<string | null> {
  for (const folder of folders) {
    const path = join(folder, name);
    if (await stat(path).catch(() => null)) return path;
  }
  return null;
}
