import { BerthTimeout } from '@berth/client';
import type { Job } from '@berth/contract';
import type { Command } from 'commander';
import { CliError, codeOfJob, EXIT } from '../exit-codes.js';
import { Detached, sayDetached, untilInterrupted } from '../follow.js';
import { referenceOf, spread } from '../job-reference.js';
import { endOf } from '../job-words.js';
import { type Action, addVerb, type Kit, type Outcome } from '../kit.js';

interface WaitOptions {
  timeout?: string;
  any?: boolean;
}

export function addWait(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('wait')
    .argument('[job...]', 'numbers (42, 10-12), ids or "last" (default: last)')
    .description('wait until jobs have ended, and exit as the first did that failed')
    .option('--any', 'until one of them has ended, and exit as that one did')
    .option('-t, --timeout <duration>', 'give up after this long ("90s", "2h") with exit code 124')
    .addHelpText(
      'after',
      '\nExamples:\n  berth wait 41 42 && berth submit eval.sh\n  berth wait --any --timeout 2h 41 42',
    );
  addVerb(command, kit, outcome, wait);
}

const wait: Action<WaitOptions> = async (kit, { timeout, any, json }, words) => {
  const seconds = timeout === undefined ? undefined : await secondsOf(timeout);
  const { client, terminal } = kit;
  const jobs: Job[] = [];
  for (const word of spread(words.length > 0 ? words : ['last'])) {
    jobs.push(await client.jobs.get(await referenceOf(kit, word)));
  }
  const deadline = performance.now() + (seconds ?? 0) * 1000;
  const left = () => (seconds === undefined ? undefined : Math.max(0, (deadline - performance.now()) / 1000));
  const tell = (ended: Job): number => {
    if (json) terminal.json(ended);
    else terminal.print(endOf(ended));
    return codeOfJob(ended);
  };
  try {
    return await untilInterrupted(kit, async (signal) => {
      if (any)
        return tell(
          await firstToEnd(jobs, (job, stop) =>
            client.jobs.wait(job, { signal: AbortSignal.any([signal, stop]), timeoutSeconds: left() }),
          ),
        );
      let code: number = EXIT.ok;
      for (const job of jobs) {
        const own = tell(await client.jobs.wait(job, { signal, timeoutSeconds: left() }));
        code ||= own;
      }
      return code;
    });
  } catch (error) {
    if (error instanceof BerthTimeout && timeout !== undefined) {
      const which = jobs.map(({ number }) => number).join(', ');
      const what = any ? 'none has ended' : 'not all have ended';
      throw new CliError(EXIT.timeout, `waited ${timeout}; ${what} (of ${which}), and they go on`);
    }
    if (!(error instanceof Detached)) throw error;
    sayDetached(
      kit,
      jobs.map(({ number }) => number),
    );
    return EXIT.detached;
  }
};

async function firstToEnd(
  jobs: readonly Job[],
  ended: (job: Job, stop: AbortSignal) => Promise<Job>,
): Promise<Job> {
  const stop = new AbortController();
  const waits = jobs.map((job) => ended(job, stop.signal));
  try {
    return await Promise.race(waits);
  } finally {
    stop.abort();
    await Promise.allSettled(waits);
  }
}

async function secondsOf(text: string): Promise<number> {
  const { parseDuration, UnitError } = await import('@berth/contract');
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof UnitError) throw new CliError(EXIT.usage, `--timeout: ${error.message}`);
    throw error;
  }
}
