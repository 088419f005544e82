import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '@berth/contract';
import { signalled } from './fault.js';
import type { Host } from './host.js';
import type { Random } from './random.js';

const KEPT = 5;
const GONE_WITHIN_MS = 30_000;
const POINTS = ['before', 'after'].flatMap((when) => [`berth_forget.${when}`, `removeJob.${when}`]);

/**
 * From its next start on the daemon remembers few jobs; it is killed while it forgets the others. These are those that ended
 * first, and nothing is left of them.
 * @param jobs all of them, ended
 */
export async function forgetJobs(host: Host, random: Random, jobs: readonly Job[]): Promise<string[]> {
  host.arm(random.one(POINTS) as string, 'kill');
  host.rememberOnly(KEPT);
  signalled(host.daemon.pid, 'SIGKILL');
  const until = Date.now() + GONE_WITHIN_MS;
  for (;;) {
    const found = await wrongMemory(host, jobs);
    if (found.length === 0 || Date.now() > until) return found;
    await sleep(50);
  }
}

async function wrongMemory(host: Host, jobs: readonly Job[]): Promise<string[]> {
  const answer = await host.daemon.request('/v1/jobs?limit=200').catch(() => null);
  if (!answer?.ok) return ['nobody says which jobs are remembered'];
  const kept = ((await answer.json()) as { items: Job[] }).items.map(({ id }) => id as string);
  const ends = jobs.map(({ endedAt }) => endedAt as string).sort();
  const since = ends.at(-KEPT) as string;
  const early = jobs.filter(({ id, endedAt }) => !kept.includes(id) && (endedAt as string) > since);
  const files = host.jobFiles().filter((name) => !kept.includes(name.split('.')[0] as string));
  return [
    ...(kept.length === Math.min(KEPT, jobs.length)
      ? []
      : [`${kept.length} jobs are remembered, not ${KEPT}`]),
    ...early.map(({ id }) => `${id} is forgotten, and ended after some that are not`),
    ...files.map((name) => `${name} is left of a job that is forgotten`),
  ];
}
