import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shimPath } from '@berth/task-shim';

/** The program of daemon and workers, and its transitions. */
const FOLDERS = ['..', '../../lua'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** Tells workers of this code that are told the same from those of another build, or of other settings. */
export function generationOf(told: unknown): string {
  const hash = createHash('sha256').update(JSON.stringify(told));
  for (const file of [...FOLDERS.flatMap(programsIn), shimPath]) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

function programsIn(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => /\.(?:js|lua)$/.test(file))
    .sort()
    .map((file) => join(folder, file));
}
