import { setTimeout as sleep } from 'node:timers/promises';
import { planJob } from '../planned-job.js';
import type { StoryTeller } from './story.js';

const NAME = 'guest';
const USER = `/v1/users/${NAME}`;

/** Somebody new gets a token, submits by it, and has it taken away again: from then on it opens nothing. Then they leave. */
export const guest: StoryTeller = (random, records) => {
  const job = planJob({ records, seconds: random.between(0.02, 0.3) });
  const staysMs = random.between(0, 800);
  const opened: string[] = [];
  let revoked: string | null = null;
  let hasLeft = false;
  return {
    jobs: () => [job],
    play: async (client) => {
      await client.make('/v1/users', { name: NAME, role: 'viewer' });
      await client.insist(USER, { method: 'PATCH', body: { role: 'user' } });
      const { id, token } = await client.make<{ id: string; token: string }>(`${USER}/tokens`, {});
      await client.submit(job, {}, token);
      await sleep(staysMs);
      const answer = await client.insist(`/v1/tokens/${id}`, { method: 'DELETE' });
      // Where the first answer got lost the second one says that there is none: that acknowledges nothing.
      if (!answer.ok) return;
      revoked = token;
      const { status } = await client.insist('/v1/me', { token });
      if (status !== 401) opened.push(`a token that was revoked is answered with ${status}`);
      hasLeft = (await client.insist(USER, { method: 'DELETE' })).ok;
    },
    settle: async (client) => {
      if (revoked === null) return;
      const { status } = await client.insist('/v1/me', { token: revoked });
      if (status !== 401) opened.push(`a token that was revoked is answered with ${status} in the end`);
      if (!hasLeft) return;
      const again = await client.insist(USER, { method: 'PATCH', body: { role: 'user' } });
      if (again.status !== 404) opened.push(`a user who was removed is answered with ${again.status}`);
    },
    violations: ({ ledger }) => {
      const whose = ledger.get(job.id as string)?.user;
      return [
        ...opened,
        ...(whose === NAME ? [] : [`${job.id} is of ${whose}, and was submitted by ${NAME}`]),
      ];
    },
  };
};
