import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './client.js';
import { Random } from './random.js';
import { array } from './stories/array.js';
import { backup } from './stories/backup.js';
import { limited, shared } from './stories/crowds.js';
import { drained } from './stories/drained.js';
import { drilled } from './stories/drilled.js';
import { family } from './stories/family.js';
import { guest } from './stories/guest.js';
import { held } from './stories/held.js';
import { plain } from './stories/plain.js';
import { preempted } from './stories/preempted.js';
import { requeued } from './stories/requeued.js';
import { scheduled } from './stories/scheduled.js';
import type { Story, StoryTeller } from './stories/story.js';

/** The jobs of a round that nobody does anything about, but for some that are cancelled. */
const PLAIN = 8;
const TELLERS: readonly StoryTeller[] = [
  ...Array<StoryTeller>(PLAIN).fill(plain),
  array,
  backup,
  drained,
  drilled,
  family,
  guest,
  held,
  limited,
  preempted,
  requeued,
  scheduled,
  shared,
];

/** @returns the stories of a round, in an order and with figures that the same seed gives again */
export function planStories(seed: number, records: string): Story[] {
  const random = new Random(seed, 'load');
  return random.inAnyOrder(TELLERS).map((tell) => tell(random, records));
}

/** Begins one after another; resolves when everything is answered that is waited for. */
export async function playStories(stories: readonly Story[], client: Client, overMs: number): Promise<void> {
  const ends: Promise<void>[] = [];
  for (const story of stories) {
    ends.push(story.play(client));
    await sleep(overMs / stories.length);
  }
  await Promise.all(ends);
}
