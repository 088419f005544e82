import type { Command } from 'commander';
import { placeOf } from '../device-words.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';
import { harmless } from '../terminal.js';

export function addDrain(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('drain')
    .argument('<device...>', 'index, 0:1 for a MIG instance, or the beginning of a UUID')
    .description('take devices out of scheduling; the jobs on them go on')
    .option('-m, --reason <text>', 'shown to everybody whose job waits for the device');
  withExamples(command, 'berth drain 3 --reason "a fan rattles"');
  addVerb(command, kit, outcome, drain);
}

export function addResume(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('resume')
    .argument('<device...>', 'index, 0:1 for a MIG instance, or the beginning of a UUID')
    .description('give devices back to scheduling that were drained or taken out');
  withExamples(command, 'berth resume 3');
  addVerb(command, kit, outcome, resume);
}

const drain: Action<{ reason?: string }> = async ({ client, terminal }, { json, reason }, words) => {
  for (const word of words) {
    const device = await client.devices.drain(word, reason === undefined ? {} : { reason });
    const { holders } = device;
    if (json) terminal.json(device);
    else
      terminal.print(
        harmless(
          holders.length > 0
            ? `device ${placeOf(device)} takes no more jobs; job ${holders.map(({ number }) => number).join(', ')} goes on there`
            : `device ${placeOf(device)} takes no more jobs`,
        ),
      );
  }
  return 0;
};

const resume: Action<object> = async ({ client, terminal }, { json }, words) => {
  for (const word of words) {
    const device = await client.devices.resume(word);
    const [left] = device.obstacles;
    if (json) terminal.json(device);
    else
      terminal.print(
        harmless(
          left
            ? `device ${placeOf(device)} is resumed, but still kept from jobs: ${left.sentence}`
            : `device ${placeOf(device)} takes jobs again`,
        ),
      );
  }
  return 0;
};
