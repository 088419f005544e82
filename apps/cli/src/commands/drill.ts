import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { referenceOf } from '../job-reference.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';
import { harmless } from '../terminal.js';

export function addDrill(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('drill')
    .argument('[job]', 'number, id or "last" (default: last)')
    .description(
      'send a running job its checkpoint signal, and say what it made of it; one without a handler is ended by it, and run again. Exits 1 where no checkpoint was seen',
    );
  withExamples(command, 'berth drill last');
  addVerb(command, kit, outcome, drill);
}

const drill: Action<object> = async (kit, { json }, [word = 'last']) => {
  const { client, terminal } = kit;
  const job = await referenceOf(kit, word);
  if (!json && terminal.isInteractive) terminal.note('waiting for a checkpoint …');
  const found = await client.jobs.drill(job);
  if (json) terminal.json(found);
  else {
    terminal.print(harmless(`job ${found.number}: ${found.sentence}`));
    for (const { sentence } of found.ranks) {
      if (sentence !== found.sentence) terminal.print(harmless(`  ${sentence}`));
    }
  }
  return found.ranks.some(({ checkpoint }) => checkpoint) ? EXIT.ok : EXIT.failure;
};
