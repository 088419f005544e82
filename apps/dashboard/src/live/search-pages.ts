import type { Jobs, PageOptions } from '@berth/client';
import type { Job } from '@berth/contract';

/** What was searched for: newest first. */
export interface SearchedJobs {
  found: Job[];
  /** Whether there is more: of what fits (`fitting`), or of jobs that were not looked at yet (`unseen`). */
  more: 'fitting' | 'unseen' | null;
}

/** A page may come out short, even empty, and yet have a next one: the daemon bounds what it looks at for each. */
export async function searchPages(
  jobs: Pick<Jobs, 'page'>,
  filters: PageOptions,
  { limit, pages }: { limit: number; pages: number },
): Promise<SearchedJobs> {
  const found: Job[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < pages; page++) {
    const { items, nextCursor } = await jobs.page({ ...filters, limit: limit - found.length, cursor });
    found.push(...items);
    if (nextCursor === null) return { found, more: null };
    if (found.length >= limit) return { found, more: 'fitting' };
    cursor = nextCursor;
  }
  return { found, more: 'unseen' };
}
