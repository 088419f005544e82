import { BerthTimeout } from '@berth/client';
import type { Job } from '@berth/contract';
import type { Command } from 'commander';
import { CliError, codeOfJob, EXIT } from '../exit-codes.js';
import { Detached, sayDetached, untilInterrupted } from '../follow.js';
import { referenceOf } from '../job-reference.js';
import { endOf } from '../job-words.js';
import { type Action, addVerb, type Kit, type Outcome } from '../kit.js';

interface WaitOptions {
  timeout?: string;
}

export function addWait(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('wait')
    .argument('[job...]', 'numbers, ids or "last" (default: last)')
    .description('wait until jobs have ended, and exit as the first did that failed')
    .option('-t, --timeout <duration>', 'give up after this long ("90s", "2h") with exit code 124');
  addVerb(command, kit, outcome, wait);
}

const wait: Action<WaitOptions> = async (kit, { timeout, json }, words) => {
  const timeoutSeconds = timeout === undefined ? undefined : await secondsOf(timeout);
  const { client, terminal } = kit;
  const jobs: Job[] = [];
  for (const word of words.length > 0 ? words : ['last']) {
    jobs.push(await client.jobs.get(await referenceOf(client, word)));
  }
  const began = performance.now();
  try {
    return await untilInterrupted(kit, async (signal) => {
      let code: number = EXIT.ok;
      for (const job of jobs) {
        const spent = (performance.now() - began) / 1000;
        const left = timeoutSeconds === undefined ? undefined : Math.max(0, timeoutSeconds - spent);
        const ended = await client.jobs.wait(job, { signal, timeoutSeconds: left });
        if (json) terminal.json(ended);
        else terminal.print(endOf(ended));
        code ||= codeOfJob(ended);
      }
      return code;
    });
  } catch (error) {
    if (error instanceof BerthTimeout) {
      const which = jobs.map(({ number }) => number).join(', ');
      throw new CliError(EXIT.timeout, `waited ${timeout}; not all have ended (of ${which}), and they go on`);
    }
    if (!(error instanceof Detached)) throw error;
    sayDetached(
      kit,
      jobs.map(({ number }) => number),
    );
    return EXIT.detached;
  }
};

async function secondsOf(text: string): Promise<number> {
  const { parseDuration, UnitError } = await import('@berth/contract');
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof UnitError) throw new CliError(EXIT.usage, `--timeout: ${error.message}`);
    throw error;
  }
}
