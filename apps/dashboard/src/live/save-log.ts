import { client } from './session.js';

/** How long the browser may take to begin with a file. */
const BEGINS_MS = 60_000;

/**
 * Saves what a task has written, from its first byte on, as a file. A link can't carry the token, so it goes through a blob: browsers
 * keep what an answer holds outside of the page, large ones on disk.
 * @param job its number
 */
export async function saveLog(job: number, attempt: number, rank: number): Promise<void> {
  const answer = await client.value.jobs.openLog(job, { attempt, rank });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await answer.blob());
  link.download = `job-${job}-attempt-${attempt}-rank-${rank}.log`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), BEGINS_MS);
}
