import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Note } from './checker.js';

/** In a queue that is long somebody else's turn comes first. */
const BEGINS_WITHIN_MS = 2000;

/** Seconds since boot, as jobs note them. */
export function uptime(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
}

/** What the jobs wrote down, by id. */
export function readNotes(folder: string): Map<string, Note[]> {
  const ids = readdirSync(folder).filter((name) => name.startsWith('job_'));
  return new Map(ids.map((id) => [id, notesIn(readFileSync(join(folder, id), 'utf8'))]));
}

/** Resolves when a job has written something down, or after a while. */
export async function hasBegun(folder: string, id: string): Promise<void> {
  const until = Date.now() + BEGINS_WITHIN_MS;
  while (!readdirSync(folder).includes(id) && Date.now() < until) await sleep(20);
}

function notesIn(text: string): Note[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [what, attempt, rank, pid, detail = '', at] = line.split(' ');
      return {
        what: what as Note['what'],
        attempt: Number(attempt),
        rank: Number(rank),
        pid: Number(pid),
        detail,
        at: Number(at),
      };
    });
}
