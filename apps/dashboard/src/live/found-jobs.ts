import { BerthProblem, type Jobs } from '@berth/client';
import type { Job, Queue } from '@berth/contract';
import { filtersOf, HOLDING, type JobSearch, numberIn } from './job-search.js';
import { type SearchedJobs, searchPages } from './search-pages.js';
import { client } from './session.js';

const MOST_RUNNING = 200;
const MOST_APART = 100;

/** What is shown: the queue, or what was searched for, the job of that number first. */
export type FoundJobs = { running: Job[]; queue: Queue; apart: Job[] } | SearchedJobs;

/**
 * The queue, or what is searched for.
 * @param limit the most jobs in line, or of those that are searched for
 * @param pages the most pages that are looked through for them
 */
export async function findJobs(
  search: JobSearch,
  { limit, pages }: { limit: number; pages: number },
  signal: AbortSignal,
): Promise<FoundJobs> {
  const { jobs } = client.value;
  const filters = filtersOf(search);
  if (filters) {
    const number = numberIn(search);
    const [named, searched] = await Promise.all([
      number === null ? null : jobOf(jobs, number, search, signal),
      searchPages(jobs, { ...filters, signal }, { limit, pages }),
    ]);
    if (!named) return searched;
    return { ...searched, found: [named, ...searched.found.filter(({ id }) => id !== named.id)] };
  }
  const [running, queue] = await Promise.all([
    jobs.page({ state: HOLDING, limit: MOST_RUNNING, signal }),
    client.value.queue({ limit, signal }),
  ]);
  const areAllInLine = queue.waiting === queue.inLine;
  const waiting = areAllInLine ? null : await jobs.page({ state: 'pending', limit: MOST_APART, signal });
  return {
    running: running.items.sort((one, other) => one.number - other.number),
    queue,
    apart: waiting?.items.filter(isApart) ?? [],
  };
}

/** The job of a number, unless it is in another state than the one that was chosen; null, too: there is none. */
async function jobOf(
  jobs: Jobs,
  number: number,
  { state }: JobSearch,
  signal: AbortSignal,
): Promise<Job | null> {
  try {
    const job = await jobs.get(number, { signal });
    return state === '' || state === 'any' || state === job.state ? job : null;
  } catch (error) {
    if (error instanceof BerthProblem && error.status === 404) return null;
    throw error;
  }
}

/**
 * Jobs that wait, but not in line, newest first, however old they are.
 * @param count how many there are: with so many the search is over
 */
export async function findApart(count: number): Promise<Job[]> {
  const found: Job[] = [];
  for await (const job of client.value.jobs.list({ state: 'pending' })) {
    if (isApart(job)) found.push(job);
    if (found.length >= count) break;
  }
  return found;
}

const isApart = ({ position }: Job): boolean => position === null;
