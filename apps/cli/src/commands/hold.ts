import type { BerthClient, JobReference } from '@berth/client';
import type { Job } from '@berth/contract';
import type { Command } from 'commander';
import { referenceOf, spread } from '../job-reference.js';
import { stateWithReason } from '../job-words.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';
import { toEach } from '../to-each.js';

/** A verb that does one thing to each of some jobs. */
interface Wish {
  verb: string;
  description: string;
  carryOut(client: BerthClient, job: JobReference): Promise<Job>;
}

const HOLD: Wish = {
  verb: 'hold',
  description: 'keep waiting jobs from starting',
  carryOut: ({ jobs }, job) => jobs.hold(job),
};

const RELEASE: Wish = {
  verb: 'release',
  description: 'let held jobs go',
  carryOut: ({ jobs }, job) => jobs.release(job),
};

const REQUEUE: Wish = {
  verb: 'requeue',
  description: 'give jobs a new attempt: ended ones wait again, running ones are stopped first',
  carryOut: ({ jobs }, job) => jobs.requeue(job),
};

const adding =
  ({ verb, description, carryOut }: Wish) =>
  (program: Command, kit: Kit, outcome: Outcome): void => {
    const command = program
      .command(verb)
      .argument('<job...>', 'numbers (42, 10-12), ids or "last"')
      .description(description);
    const action: Action<object> = (kit, { json }, words) =>
      toEach(spread(words), verb, kit.terminal, async (word) => {
        const job = await carryOut(kit.client, await referenceOf(kit, word));
        if (json) kit.terminal.json(job);
        else kit.terminal.print(`job ${job.number} ${stateWithReason(job)}`);
      });
    withExamples(command, `berth ${verb} 42`, `berth ${verb} 10-12`);
    addVerb(command, kit, outcome, action);
  };

export const addHold = adding(HOLD);
export const addRelease = adding(RELEASE);
export const addRequeue = adding(REQUEUE);
