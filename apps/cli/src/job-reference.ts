import type { BerthClient } from '@berth/client';
import { CliError, EXIT } from './exit-codes.js';
import { ARRAY_PARAMETER } from './slurm/array.js';

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

/** All jobs of a group. */
const GROUP = /^grp_\w+$/;

/**
 * Jobs that have to end first, with what the API calls them: as `referenceOf`, each with how it has to end (`last:ended`); the id
 * of a group for all of its jobs; and as Slurm's options have it (`slurm-41`), the number of an array for all of its tasks.
 * @throws CliError
 */
export async function dependenciesOf(
  kit: { client: BerthClient },
  words: readonly string[],
): Promise<string[]> {
  const each = words.map(async (word) => {
    const [name = '', ...how] = word.split(':');
    return (await jobsOf(kit, name)).map((job) => [job, ...how].join(':'));
  });
  return (await Promise.all(each)).flat();
}

async function jobsOf(kit: { client: BerthClient }, name: string): Promise<string[]> {
  const number = /^slurm-(\w+)$/.exec(name)?.[1];
  const group = number === undefined ? GROUP.exec(name)?.[0] : await arrayOf(kit.client, number);
  if (!group) return [await referenceOf(kit, number ?? name)];
  const ids: string[] = [];
  for await (const { id } of kit.client.jobs.list({ group, limit: MOST_LOOKED_AT })) ids.push(id);
  if (ids.length === 0) throw new CliError(EXIT.notFound, `there are no jobs of group ${group}`);
  return ids;
}

/** The group of which sbatch has printed this number as that of an array; null: it is a job like others. */
export async function arrayOf(client: BerthClient, number: string): Promise<string | null> {
  const { group } = await client.jobs.get(number);
  return group !== null && group.index === 0 && ARRAY_PARAMETER in group.parameters ? group.id : null;
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
