import type { Explanation } from '@berth/contract';
import type { Command } from 'commander';
import { localTime } from '../figures.js';
import { referenceOf } from '../job-reference.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';
import { renderTable } from '../table.js';
import { harmless, type Terminal } from '../terminal.js';

export function addExplain(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('explain')
    .alias('why')
    .argument('[job]', 'number, id or "last" (default: last)')
    .description('what a job waits for, every device with why not, when it starts at the latest');
  withExamples(command, 'berth explain 42', 'berth why');
  addVerb(command, kit, outcome, explain);
}

const explain: Action<object> = async (kit, { json }, [word = 'last']) => {
  const { client, terminal } = kit;
  const explanation = await client.jobs.explain(await referenceOf(kit, word));
  if (json) terminal.json(explanation);
  else for (const line of explanationLines(explanation, terminal)) terminal.print(line);
  return 0;
};

/** An explanation for people. */
export function explanationLines(explanation: Explanation, terminal: Terminal): string[] {
  const { number, startsNow, ahead, reason, latestStart, unknownBecause, devices, sooner } = explanation;
  const who = number === null ? 'such a job' : `job ${number}`;
  const lines: string[] = [];
  if (startsNow) lines.push(number === null ? `${who} would start now` : `${who} is about to start`);
  else if (reason) lines.push(`${who} waits: ${reason.sentence} (${reason.code})`);
  else if (ahead !== null)
    lines.push(ahead === 0 ? `${who} is first in line` : `${who} has ${ahead} ahead of it`);
  if (latestStart && !startsNow) {
    const time = localTime(latestStart);
    // Who is ahead of it may get other devices than are planned for now.
    lines.push(ahead === 0 ? `it starts by ${time} at the latest` : `as it looks now, it starts by ${time}`);
  }
  // One that doesn't wait is neither in line nor kept by anything.
  else if (ahead === null && !reason && unknownBecause) lines.push(`${who} doesn't wait: ${unknownBecause}`);
  else if (unknownBecause) lines.push(`when it starts is not known: ${unknownBecause}`);
  if (devices.length > 0) {
    lines.push(
      '',
      ...renderTable(
        devices,
        [
          { title: 'DEVICE', cell: ({ index }) => String(index), align: 'right' },
          { title: 'VERDICT', cell: ({ verdict }) => VERDICTS[verdict] },
          { title: 'WHY', cell: ({ why }) => why, mayShrink: true },
        ],
        terminal.columns,
      ),
    );
  }
  if (sooner.length > 0) lines.push('', 'sooner:', ...sooner.map((way) => `  ${way}`));
  return lines.map(harmless);
}

const VERDICTS: Record<Explanation['devices'][0]['verdict'], string> = {
  free: 'free',
  ruledOut: 'ruled out',
  obstructed: 'kept from jobs',
  held: 'held',
  reserved: 'reserved',
};
