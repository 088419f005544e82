import { stat } from 'node:fs/promises';

/** Who submits a thousand jobs does so from one folder: it is looked at once a second. */
const LASTS_MS = 1000;
const MOST_KNOWN = 1000;

const known = new Map<string, { at: number; answer: Promise<string | null> }>();

/** Why a path is no folder that a job could run in; null: it is one, or was within the last second. */
export function whyNoDirectory(path: string): Promise<string | null> {
  const now = performance.now();
  const last = known.get(path);
  if (last && now - last.at < LASTS_MS) return last.answer;
  if (known.size >= MOST_KNOWN) known.clear();
  const answer = look(path);
  known.set(path, { at: now, answer });
  // What is missing may be made the next moment.
  void answer.then((why) => {
    if (why !== null) known.delete(path);
  });
  return answer;
}

async function look(path: string): Promise<string | null> {
  try {
    return (await stat(path)).isDirectory() ? null : `${path} is not a directory`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return `${path} does not exist on this host`;
    return `${path} can't be entered: ${(error as Error).message}`;
  }
}
