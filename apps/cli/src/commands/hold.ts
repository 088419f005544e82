import type { BerthClient, JobReference } from '@berth/client';
import type { Job } from '@berth/contract';
import type { Command } from 'commander';
import { errorLines } from '../error-lines.js';
import { codeOfError, EXIT } from '../exit-codes.js';
import { referenceOf, spread } from '../job-reference.js';
import { stateWithReason } from '../job-words.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';

export function addHold(program: Command, kit: Kit, outcome: Outcome): void {
  add(program, kit, outcome, 'hold', 'keep waiting jobs from starting', (client, job) =>
    client.jobs.hold(job),
  );
}

export function addRelease(program: Command, kit: Kit, outcome: Outcome): void {
  add(program, kit, outcome, 'release', 'let held jobs go', (client, job) => client.jobs.release(job));
}

export function addRequeue(program: Command, kit: Kit, outcome: Outcome): void {
  const description = 'give jobs a new attempt: ended ones wait again, running ones are stopped first';
  add(program, kit, outcome, 'requeue', description, (client, job) => client.jobs.requeue(job));
}

/** A verb that does one thing to each of some jobs. One that refuses doesn't keep the others from it. */
function add(
  program: Command,
  kit: Kit,
  outcome: Outcome,
  verb: string,
  description: string,
  wish: (client: BerthClient, job: JobReference) => Promise<Job>,
): void {
  const command = program
    .command(verb)
    .argument('<job...>', 'numbers (42, 10-12), ids or "last"')
    .description(description);
  const action: Action<object> = async (kit, { json }, words) => {
    const { client, terminal } = kit;
    let code: number = EXIT.ok;
    for (const word of spread(words)) {
      try {
        const job = await wish(client, await referenceOf(kit, word));
        if (json) terminal.json(job);
        else terminal.print(`job ${job.number} ${stateWithReason(job)}`);
      } catch (error) {
        for (const line of errorLines(error, verb)) terminal.note(line);
        code ||= codeOfError(error);
      }
    }
    return code;
  };
  withExamples(command, `berth ${verb} 42`, `berth ${verb} 10-12`);
  addVerb(command, kit, outcome, action);
}
