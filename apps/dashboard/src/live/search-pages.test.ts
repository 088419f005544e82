import type { PageOptions } from '@berth/client';
import type { Job, JobList } from '@berth/contract';
import { expect, it } from 'vitest';
import { searchPages } from './search-pages.js';

/** A daemon that answers with these pages of job numbers, and what it was asked for. */
function daemonWith(...pages: number[][]) {
  const asked: (number | undefined)[] = [];
  const page = async ({ limit, cursor }: PageOptions = {}): Promise<JobList> => {
    asked.push(limit);
    const at = Number(cursor ?? 0);
    const items = (pages[at] ?? []).map((number) => ({ number }) as Job);
    return { items, nextCursor: at + 1 < pages.length ? String(at + 1) : null };
  };
  return { jobs: { page }, asked };
}

const search = async (jobs: ReturnType<typeof daemonWith>['jobs'], limit: number, pages: number) => {
  const { found, more } = await searchPages(jobs, { name: 'x' }, { limit, pages });
  return [found.map(({ number }) => number), more];
};

it('looks on behind pages on which nothing fits', async () => {
  const { jobs, asked } = daemonWith([], [7], [], [3, 2]);
  expect(await search(jobs, 100, 10)).toEqual([[7, 3, 2], null]);
  expect(asked).toEqual([100, 100, 99, 99]);
});

it('ends with as many as are wanted, or where it has looked far enough, and says which', async () => {
  expect(await search(daemonWith([], [9, 8], [7]).jobs, 2, 10)).toEqual([[9, 8], 'fitting']);
  expect(await search(daemonWith([], [9], [7]).jobs, 2, 2)).toEqual([[9], 'unseen']);
  expect(await search(daemonWith([], [9, 8]).jobs, 2, 2)).toEqual([[9, 8], null]);
});
