import type { Job, Queue } from '@berth/contract';
import { filtersOf, HOLDING, type JobSearch } from './job-search.js';
import { client } from './session.js';

const MOST_RUNNING = 200;
const MOST_APART = 100;

/** What is shown: the queue, or what was searched for, newest first. */
export type FoundJobs = { running: Job[]; queue: Queue; apart: Job[] } | { found: Job[]; isMore: boolean };

/** @param limit the most jobs in line, or of those that are searched for */
export async function findJobs(search: JobSearch, limit: number, signal: AbortSignal): Promise<FoundJobs> {
  const { jobs } = client.value;
  const filters = filtersOf(search);
  if (filters) {
    const { items, nextCursor } = await jobs.page({ ...filters, limit, signal });
    return { found: items, isMore: nextCursor !== null };
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
