import type { BerthClient } from '@berth/client';
import type { Schedule } from '@berth/contract';
import { type Command, Option } from 'commander';
import { CliError, EXIT } from '../exit-codes.js';
import { type Fact, factLines } from '../facts.js';
import { commandLine, localTime, UNKNOWN } from '../figures.js';
import { stateWithReason } from '../job-words.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';
import { submissionOf } from '../submission.js';
import { renderTable } from '../table.js';
import { harmless, type Terminal } from '../terminal.js';
import { toEach } from '../to-each.js';
import { type JobFlags, withHeaders, withJobOptions } from './job-options.js';

interface AddOptions extends JobFlags {
  cron?: string;
  timeZone?: string;
  overlap?: 'skip' | 'allow';
  catchUp?: boolean;
  paused?: boolean;
}

export function addSchedule(program: Command, kit: Kit, outcome: Outcome): void {
  const group = program
    .command('schedule')
    .description('submit a job again and again: berth schedule add --cron "0 2 * * *" -- command')
    .enablePositionalOptions();
  addAdd(group, kit, outcome);
  addVerb(
    withExamples(
      group.command('ls', { isDefault: true }).alias('list').description('list all schedules'),
      'berth schedule',
    ),
    kit,
    outcome,
    list,
  );
  const showing = group
    .command('show')
    .argument('<schedule...>', WHICH)
    .description('all there is to know of a schedule');
  withExamples(showing, 'berth schedule show nightly');
  addVerb(showing, kit, outcome, show);
  for (const wish of WISHES) addWish(group, kit, outcome, wish);
}

const WHICH = 'id (sch_…), or the name where no other has it';

/** A verb that does one thing to each of some schedules. */
interface Wish {
  verb: string;
  description: string;
  carryOut(client: BerthClient, id: string): Promise<{ answer: object; sentence: string }>;
}

const WISHES: readonly Wish[] = [
  {
    verb: 'rm',
    description: 'end schedules; jobs that they made go on',
    carryOut: async ({ schedules }, id) => {
      const answer = await schedules.delete(id);
      const made = `${answer.runs} job${answer.runs === 1 ? '' : 's'}`;
      return { answer, sentence: `${named(answer)} is deleted; it made ${made}` };
    },
  },
  {
    verb: 'pause',
    description: 'let schedules make no more jobs until they are resumed',
    carryOut: async ({ schedules }, id) => {
      const answer = await schedules.pause(id);
      return { answer, sentence: `${named(answer)} ${whenNext(answer)}` };
    },
  },
  {
    verb: 'resume',
    description: 'let paused schedules go on, from their next time on',
    carryOut: async ({ schedules }, id) => {
      const answer = await schedules.resume(id);
      return { answer, sentence: `${named(answer)} ${whenNext(answer)}` };
    },
  },
  {
    verb: 'run',
    description: 'submit the job of schedules now, besides',
    carryOut: async ({ schedules }, id) => {
      const answer = await schedules.run(id);
      return {
        answer,
        sentence: `job ${answer.number} (${answer.id}) submitted: ${stateWithReason(answer)}`,
      };
    },
  },
];

function addWish(group: Command, kit: Kit, outcome: Outcome, { verb, description, carryOut }: Wish): void {
  const command = group.command(verb).argument('<schedule...>', WHICH).description(description);
  const action: Action<object> = ({ client, terminal }, { json }, words) =>
    toEach(words, 'schedule', terminal, async (word) => {
      const { answer, sentence } = await carryOut(client, await idOf(client, word));
      if (json) terminal.json(answer);
      else terminal.print(sentence);
    });
  withExamples(command, `berth schedule ${verb} nightly`);
  addVerb(command, kit, outcome, action);
}

function addAdd(group: Command, kit: Kit, outcome: Outcome): void {
  const command = group
    .command('add')
    .usage('--cron <times> [options] [--] <command...>')
    .argument('[command...]')
    .passThroughOptions()
    .description('submit a job again and again')
    .optionsGroup('Again and again:')
    .requiredOption(
      '--cron <times>',
      'minute, hour, day of month, month, day of week: "0 2 * * *"; or six, with a second first',
    )
    .option('--time-zone <name>', "in which those times are: Europe/Berlin (default: the daemon's)")
    .addOption(
      new Option(
        '--overlap <how>',
        'when an earlier job of it has not ended: start none, or another (default: skip)',
      ).choices(['skip', 'allow']),
    )
    .option('--catch-up', 'make up for the latest time that Berth was not there for')
    .option('--paused', 'not before somebody resumes it');
  withExamples(
    command,
    'berth schedule add --cron "0 2 * * *" --time-zone Europe/Berlin -- python train.py',
    'berth schedule add --cron "0 */6 * * *" --name sweep -G 2 --script sweep.sh',
  );
  addVerb(withJobOptions(command), kit, outcome, add);
}

const add: Action<AddOptions> = async (kit, typed, words) => {
  const { host, terminal } = kit;
  const { flags: options, program } = await withHeaders(kit, typed, words, withJobOptions);
  const { name, cron = '', timeZone, overlap, catchUp, paused } = options;
  if (program.words.length === 0 && program.script === undefined) {
    const example = 'berth schedule add --cron "0 2 * * *" -- python train.py';
    throw new CliError(EXIT.usage, `nothing to run; write for example: ${example}`);
  }
  const job = submissionOf(options, program, host);
  const schedule = await kit.client.schedules.create({
    cron,
    job,
    ...(name === undefined ? {} : { name }),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(overlap === undefined ? {} : { overlap }),
    ...(catchUp ? { catchUp } : {}),
    ...(paused ? { enabled: false } : {}),
  });
  if (options.json) terminal.json(schedule);
  else if (terminal.isInteractive) {
    terminal.print(`${named(schedule)} ${whenNext(schedule)}`);
    terminal.print(
      terminal.paint('dim', `  berth schedule show ${schedule.id}    berth schedule run ${schedule.id}`),
    );
  } else terminal.print(schedule.id);
  return EXIT.ok;
};

const list: Action<object> = async ({ client, terminal }, { json }) => {
  const schedules = await client.schedules.list();
  if (json) terminal.json({ items: schedules });
  else if (schedules.length === 0) terminal.note('there are no schedules; berth schedule add makes one');
  else
    for (const line of renderTable(
      schedules,
      [
        { title: 'ID', cell: ({ id }) => id },
        { title: 'NAME', cell: ({ name }) => name, mayShrink: true },
        { title: 'CRON', cell: ({ cron }) => cron },
        { title: 'TIME ZONE', cell: ({ timeZone }) => timeZone },
        { title: 'NEXT', cell: ({ nextRun }) => (nextRun === null ? 'paused' : localTime(nextRun)) },
        { title: 'JOBS', cell: ({ runs }) => String(runs), align: 'right' },
        { title: 'LAST', cell: lastOf, mayShrink: true },
      ],
      terminal.columns,
    ))
      terminal.print(line);
  return EXIT.ok;
};

const show: Action<object> = async ({ client, terminal }, { json }, words) => {
  for (const [i, word] of words.entries()) {
    const schedule = await client.schedules.get(await idOf(client, word));
    if (json) {
      terminal.json(schedule);
      continue;
    }
    if (i > 0) terminal.print();
    for (const line of linesOf(schedule, terminal)) terminal.print(line);
  }
  return EXIT.ok;
};

function linesOf(schedule: Schedule, terminal: Terminal): string[] {
  const { command, script } = schedule.job as { command?: string[]; script?: string };
  const facts: Fact[] = [
    ['Id', schedule.id],
    ['Times', `${schedule.cron} in ${schedule.timeZone}`],
    ['State', whenNext(schedule)],
    ['Last', lastOf(schedule)],
    ['Jobs', `${schedule.runs}; berth ls --schedule ${schedule.id}`],
    ['Overlap', schedule.overlap === 'skip' ? 'none: waits for the next time' : 'allowed'],
    ['Missed', schedule.catchUp ? 'the latest is made up for' : 'skipped'],
    ['Command', command ? commandLine(command) : (script ?? '').trim().split('\n', 1).join('')],
  ];
  return [terminal.paint('bold', harmless(`schedule ${schedule.name}`)), ...factLines(facts, terminal)];
}

const named = ({ name, id }: Schedule): string => harmless(`schedule ${name} (${id})`);

function whenNext({ nextRun }: Schedule): string {
  return nextRun === null ? 'is paused' : `runs next at ${localTime(nextRun)}`;
}

function lastOf({ lastRun }: Schedule): string {
  if (!lastRun) return UNKNOWN;
  const what = lastRun.skipped ? `skipped: ${lastRun.skipped.sentence}` : `job ${lastRun.number}`;
  return `${localTime(lastRun.at)} ${what}`;
}

/** @throws CliError for what can name no schedule */
async function idOf(client: BerthClient, word: string): Promise<string> {
  if (word.startsWith('sch_')) return word;
  const named = (await client.schedules.list()).filter(({ name }) => name === word);
  if (named.length === 1) return (named[0] as Schedule).id;
  const why = named.length === 0 ? 'names no schedule' : `is the name of ${named.length} schedules`;
  throw new CliError(EXIT.notFound, `'${word}' ${why}; berth schedule ls shows their ids`);
}
