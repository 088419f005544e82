import type { BerthClient } from '@berth/client';
import { CliError, EXIT } from './exit-codes.js';

/** `last`, `@`: the newest job of one's own; `@~1`: the one before it. */
const BACK = /^(?:last|@)(?:~(\d{1,3}))?$/;
/** How far back one's own jobs are looked for among those of others. */
const MOST_LOOKED_AT = 5000;

/**
 * What the API calls the job that a person named by number, id, `last` or `@~1`.
 * @throws CliError for what can name no job, and for `last` where there is none
 */
export async function referenceOf({ client }: { client: BerthClient }, word: string): Promise<string> {
  if (/^(job_\w+|\d+)$/.test(word)) return word;
  const back = BACK.exec(word);
  if (!back) {
    const ways = 'give its number (42), its id (job_…), "last", or "@~1" for the one before it';
    throw new CliError(EXIT.usage, `'${word}' names no job; ${ways}`);
  }
  const { name } = await client.me();
  let left = Number(back[1] ?? 0);
  for await (const job of client.jobs.list({ limit: MOST_LOOKED_AT })) {
    if (job.user !== name) continue;
    if (left === 0) return job.id;
    left -= 1;
  }
  const others = 'berth ls -a shows those of others';
  throw new CliError(EXIT.notFound, `there is no such job of ${name}'s: '${word}' (${others})`);
}

/** Jobs that have to end first, `last:ended` for example, with what the API calls them. @throws CliError */
export async function dependenciesOf(
  kit: { client: BerthClient },
  words: readonly string[],
): Promise<string[]> {
  return Promise.all(
    words.map(async (word) => {
      const [job = '', ...how] = word.split(':');
      return [await referenceOf(kit, job), ...how].join(':');
    }),
  );
}

/** The jobs that words name: as `referenceOf`, and `10-12` for all from the first number to the last. */
export function spread(words: readonly string[]): string[] {
  return words.flatMap((word) => {
    const [, first, last] = /^(\d{1,15})-(\d{1,15})$/.exec(word) ?? [];
    if (first === undefined) return [word];
    const count = Number(last) - Number(first) + 1;
    if (count < 1 || count > 1000)
      throw new CliError(EXIT.usage, `'${word}' is no range of at most 1000 jobs`);
    return Array.from({ length: count }, (_, i) => String(Number(first) + i));
  });
}
