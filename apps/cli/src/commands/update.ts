import type { JobChangeInput } from '@berth/contract';
import type { Command } from 'commander';
import { CliError, EXIT } from '../exit-codes.js';
import { referenceOf } from '../job-reference.js';
import { stateWithReason } from '../job-words.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';
import { collect, whole } from '../option-values.js';
import { labels } from '../submission.js';

interface UpdateOptions {
  priority?: number;
  time?: string;
  label?: string[];
}

export function addUpdate(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('update')
    .argument('<job>', 'number, id or "last"')
    .description("change a job that hasn't ended")
    .option('--priority <n>', 'higher goes first', whole)
    .option('-t, --time <limit>', 'stop it after this long, counted from its start; "none": never')
    .option('--label <k=v>', 'all labels anew; may be given several times', collect);
  withExamples(command, 'berth update 42 --priority 10', 'berth update last -t none');
  addVerb(command, kit, outcome, update);
}

const update: Action<UpdateOptions> = async (kit, options, [word = 'last']) => {
  const { client, terminal } = kit;
  const { priority, time, label, json } = options;
  if (priority === undefined && time === undefined && label === undefined) {
    throw new CliError(EXIT.usage, 'nothing to change; name --priority, --time or --label');
  }
  const change: JobChangeInput = {
    ...(priority === undefined ? {} : { priority }),
    ...(time === undefined ? {} : { timeLimit: time === 'none' ? null : time }),
    ...(label === undefined ? {} : { labels: labels(label) }),
  };
  const job = await client.jobs.change(await referenceOf(kit, word), change);
  if (json) terminal.json(job);
  else terminal.print(`job ${job.number} ${stateWithReason(job)}`);
  return EXIT.ok;
};
