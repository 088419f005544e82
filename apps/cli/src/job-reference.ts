import type { BerthClient } from '@berth/client';
import { CliError, EXIT } from './exit-codes.js';

/** The newest job, for those who don't want to type its number. */
const LAST = ['last', '@'];

/**
 * What the API calls the job that a person named by number, id or `last`.
 * @throws CliError for what can name no job, and for `last` where there is none
 */
export async function referenceOf(client: BerthClient, word: string): Promise<string> {
  if (/^(job_\w+|\d+)$/.test(word)) return word;
  if (!LAST.includes(word)) {
    throw new CliError(EXIT.usage, `'${word}' names no job; give its number (42), its id (job_…) or "last"`);
  }
  const newest = (await client.jobs.page({ limit: 1 })).items[0];
  if (!newest) throw new CliError(EXIT.notFound, 'there is no last job: none was ever submitted');
  return newest.id;
}
