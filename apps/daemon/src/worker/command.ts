import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobSpec } from '../ledger/record.js';

/** The argv of a task. A script is put into the task's folder first, and runs by its `#!` line or by `/bin/sh`. */
export function taskCommand(spec: JobSpec, directory: string): string[] {
  if (spec.command) return spec.command;
  const script = spec.script as string;
  const file = join(directory, 'script');
  writeFileSync(file, script, { mode: 0o700 });
  return script.startsWith('#!') ? [file] : ['/bin/sh', file];
}
