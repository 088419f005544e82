import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Note } from './checker.js';

/** What the jobs wrote down, by id. */
export function readNotes(folder: string): Map<string, Note[]> {
  const ids = readdirSync(folder).filter((name) => name.startsWith('job_'));
  return new Map(ids.map((id) => [id, notesIn(readFileSync(join(folder, id), 'utf8'))]));
}

function notesIn(text: string): Note[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [what, attempt, rank, pid, detail = ''] = line.split(' ');
      return {
        what: what as Note['what'],
        attempt: Number(attempt),
        rank: Number(rank),
        pid: Number(pid),
        detail,
      };
    });
}
