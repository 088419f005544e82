import type { Cause, Checkpoint } from '@berth/contract';
import { expect, it } from 'vitest';
import { checkpointOf, type TaskCheckpoint, withCheckpoint } from './checkpoint-view.js';

const cause: Cause = {
  code: 'preempted',
  sentence: 'it was preempted for job 12',
  rank: null,
  exitCode: null,
  signal: null,
};

/** How each rank ended, or what it was sent and has not taken yet; null: it got no signal. */
function seen(...ranks: (Partial<TaskCheckpoint> | null)[]): Checkpoint | null {
  const record = Object.fromEntries(
    ranks.map((more, rank) => {
      const sent = more && { signal: 'SIGUSR1', sentAt: 10_000, ...more };
      if (sent && sent.endedBy === undefined) return [`task:1:${rank}:checkpoint`, JSON.stringify(sent)];
      const full = sent && { writtenAt: null, path: null, ...sent };
      return [`task:1:${rank}:ending`, JSON.stringify({ checkpoint: full })];
    }),
  );
  return checkpointOf(record, 1, [...ranks.keys()]);
}

it('there is nothing to say where no rank got a signal, or an older version wrote it down', () => {
  expect(seen(null, null)).toBeNull();
  expect(checkpointOf({ 'task:1:0:ending': '{}' }, 1, [0, 1])).toBeNull();
});

it('the earliest signal, the newest file and the slowest rank are told', () => {
  const slow = { sentAt: 9000, endedBy: 'SIGTERM' } as const;
  const writer = { endedBy: 'itself', writtenAt: 12_000, path: '/last.pt' } as const;
  expect(seen(slow, writer, { endedBy: 'itself', writtenAt: 11_000, path: '/other' })).toEqual({
    signal: 'SIGUSR1',
    sentAt: new Date(9000).toISOString(),
    writtenAt: new Date(12_000).toISOString(),
    path: '/last.pt',
    endedBy: 'SIGTERM',
  });
  expect(seen(slow, writer, { endedBy: 'SIGKILL' })?.endedBy).toBe('SIGKILL');
});

it('how it was taken is not known while a rank runs, and nothing is said of it', () => {
  const running = seen({ endedBy: 'itself', writtenAt: 12_000, path: '/last.pt' }, {});
  expect(running?.endedBy).toBeNull();
  expect(withCheckpoint(cause, running, true)).toBe(cause);
});

it.each([
  [{ endedBy: 'itself', writtenAt: 13_000, path: '/c' }, true, 'its checkpoint was written 3s after SIGUSR1'],
  // Another host's clock may be behind.
  [{ endedBy: 'itself', writtenAt: 9000, path: '/c' }, true, 'its checkpoint was written 0s after SIGUSR1'],
  [
    { endedBy: 'SIGKILL', writtenAt: 13_000, path: '/c' },
    true,
    'its checkpoint was written 3s after SIGUSR1, and it had to be killed (SIGKILL) at the end of its grace period',
  ],
  [{ endedBy: 'itself' }, true, 'no checkpoint was written after SIGUSR1'],
  [
    { endedBy: 'itself' },
    false,
    'whether it saved its work after SIGUSR1 is not known, for it names no checkpointPath',
  ],
] as const)('%j is put into words', (rank, watched, words) => {
  expect(withCheckpoint(cause, seen(rank), watched)?.sentence).toBe(`it was preempted for job 12; ${words}`);
});
