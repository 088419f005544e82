import type { Job } from '@berth/contract';
import type { Evidence } from '../checker.js';
import type { Client } from '../client.js';
import type { PlannedJob } from '../planned-job.js';
import type { Random } from '../random.js';

/** What people, or the scheduler for them, do with some jobs; planned by a seed. */
export interface Story {
  /** Its jobs, of which some may be Berth's own making. @param ledger what there is in the end */
  jobs(ledger: ReadonlyMap<string, Job>): PlannedJob[];
  /** Goes on until all that has to be answered is. */
  play(client: Client): Promise<void>;
  /** What it does when nothing goes wrong any more. */
  settle?(client: Client): Promise<void>;
  /** What must not be of it, besides what must not be of any job: each a sentence. */
  violations?(evidence: Evidence): string[];
}

/** @param records the folder that its jobs write to */
export type StoryTeller = (random: Random, records: string) => Story;
