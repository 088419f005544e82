import type { Job } from '@berth/contract';
import type { Command } from 'commander';
import { duration } from '../figures.js';
import { referenceOf, spread } from '../job-reference.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';
import { toEach } from '../to-each.js';

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

const cancel: Action<object> = (kit, { json }, words) => {
  const { client, terminal } = kit;
  return toEach(spread(words), 'cancel', terminal, async (word) => {
    if (word.startsWith('grp_')) {
      const group = await client.groups.cancel(word);
      if (json) terminal.json(group);
      else
        terminal.print(
          `group ${group.id}: what waited of its ${group.size} jobs is cancelled, what runs is stopping`,
        );
      return;
    }
    const job = await client.jobs.cancel(await referenceOf(kit, word));
    if (json) terminal.json(job);
    else terminal.print(whatHappens(job));
  });
};

function whatHappens({ number, state, gracePeriod }: Job): string {
  if (state === 'cancelled') return `job ${number} cancelled`;
  return `job ${number} is stopping: SIGTERM now, SIGKILL in ${duration(gracePeriod)} to what is left then`;
}
