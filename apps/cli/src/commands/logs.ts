import { type Command, Option } from 'commander';
import { EXIT } from '../exit-codes.js';
import { Detached, passLog, sayDetached, untilInterrupted } from '../follow.js';
import { referenceOf } from '../job-reference.js';
import { endOf, stateWithReason } from '../job-words.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';
import { natural, positive } from '../option-values.js';

interface LogsOptions {
  follow?: boolean;
  tail?: number;
  rank?: number;
  stream?: 'stdout' | 'stderr';
  attempt?: number;
}

export function addLogs(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('logs')
    .alias('log')
    .argument('[job]', 'number, id or "last" (default: last)')
    .description('what a job has written; -f: and writes, until it ends')
    .option('-f, --follow', 'go on until the job has ended; Ctrl-C leaves it running')
    .option('-n, --tail <lines>', 'only the last lines', natural)
    .option('-r, --rank <rank>', 'whose output, of a job with several tasks (default 0)', natural)
    .addOption(new Option('--stream <stream>', 'only one of the two').choices(['stdout', 'stderr']))
    .option('--attempt <n>', 'of an earlier attempt', positive);
  withExamples(
    command,
    'berth logs -f last',
    'berth logs -n 100 --stream stderr 42',
    'berth logs --rank 3 42',
  );
  addVerb(command, kit, outcome, logs);
}

const logs: Action<LogsOptions> = async (kit, options, [word = 'last']) => {
  const { client, terminal } = kit;
  const job = await client.jobs.get(await referenceOf(kit, word));
  const { follow, tail, rank, stream, attempt } = options;
  if (terminal.isInteractive && job.state === 'pending') {
    terminal.note(`job ${job.number} has not started; ${stateWithReason(job)}`);
  }
  try {
    await untilInterrupted(kit, (signal) =>
      passLog(kit, job, { follow, tail, rank, stream, attempt, signal }),
    );
  } catch (error) {
    if (!(error instanceof Detached)) throw error;
    if (follow) sayDetached(kit, [job.number]);
    return EXIT.detached;
  }
  if (follow && terminal.isInteractive) terminal.note(endOf(await client.jobs.get(job)));
  return EXIT.ok;
};
