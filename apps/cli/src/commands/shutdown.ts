import type { ShutdownMode } from '@berth/contract';
import { type Command, Option } from 'commander';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';

export function addShutdown(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('shutdown')
    .description('end the daemon; what waits is taken up by the next one')
    .addOption(
      new Option(
        '--jobs <what>',
        'what becomes of jobs that run: wait for them, cancel them, or leave them running',
      )
        .choices(['wait', 'cancel', 'leave'])
        .default('leave'),
    );
  withExamples(command, 'berth shutdown --jobs wait   # ends when the last running job has');
  addVerb(command, kit, outcome, shutdown);
}

const shutdown: Action<{ jobs: ShutdownMode }> = async ({ client, terminal }, { json, jobs }) => {
  const answer = await client.shutdown({ jobs });
  if (json) terminal.json(answer);
  else terminal.print(sentenceFor(answer.jobs, answer.running));
  return 0;
};

function sentenceFor(mode: ShutdownMode, running: number): string {
  if (running === 0) return 'berthd ends; no job runs';
  const jobs = running === 1 ? '1 job' : `${running} jobs`;
  if (mode === 'leave')
    return `berthd ends; ${jobs} go${running === 1 ? 'es' : ''} on, and the next berthd takes them up again`;
  const then = `berthd ends when ${jobs} ha${running === 1 ? 's' : 've'} ended`;
  return mode === 'cancel' ? `${then}; they are being cancelled` : `no job starts any more; ${then}`;
}
