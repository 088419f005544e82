import type { Job } from '@berth/contract';
import type { Command } from 'commander';
import { errorLines } from '../error-lines.js';
import { codeOfError, EXIT } from '../exit-codes.js';
import { duration } from '../figures.js';
import { referenceOf, spread } from '../job-reference.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';

export function addCancel(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('cancel')
    .aliases(['rm', 'kill'])
    .argument('<job...>', 'numbers (42, 10-12), ids, "last", or the id of a group')
    .description('end jobs: SIGTERM, then SIGKILL after their grace period');
  withExamples(
    command,
    'berth cancel 42',
    'berth cancel 10-12 last',
    'berth cancel grp_01k3v9q2m8fz4c7w1xkt5     # all of a sweep',
  );
  addVerb(command, kit, outcome, cancel);
}

/** One that can't be cancelled doesn't keep the others from it; the exit code is that of the first. */
const cancel: Action<object> = async (kit, { json }, words) => {
  const { client, terminal } = kit;
  let code: number = EXIT.ok;
  for (const word of spread(words)) {
    try {
      if (word.startsWith('grp_')) {
        const group = await client.groups.cancel(word);
        if (json) terminal.json(group);
        else
          terminal.print(
            `group ${group.id}: what waited of its ${group.size} jobs is cancelled, what runs is stopping`,
          );
        continue;
      }
      const job = await client.jobs.cancel(await referenceOf(kit, word));
      if (json) terminal.json(job);
      else terminal.print(whatHappens(job));
    } catch (error) {
      for (const line of errorLines(error, 'cancel')) terminal.note(line);
      code ||= codeOfError(error);
    }
  }
  return code;
};

function whatHappens({ number, state, gracePeriod }: Job): string {
  if (state === 'cancelled') return `job ${number} cancelled`;
  return `job ${number} is stopping: SIGTERM now, SIGKILL in ${duration(gracePeriod)} to what is left then`;
}
