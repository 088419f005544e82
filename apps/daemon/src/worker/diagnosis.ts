import type { Diagnosis } from '@berth/contract';
import { openLog } from '@berth/task-shim';
import { FAILURES, type Situation } from './failure-table.js';
import { fatalPart, withoutRanks } from './fatal-part.js';

/** What is read of a failed task's output: its last words. */
const LAST_BYTES = 128 * 1024;
const LONGEST_LINE = 500;

/** What the driver says tells more than these. */
const GENERAL: readonly Diagnosis['class'][] = [
  'python_exception',
  'cpp_exception',
  'segmentation_fault',
  'killed',
];
const XID_ADVICE =
  'Its output names no cause, but the driver reported an error of its device while it ran: berth devices shows what became of the device.';

/** What went wrong with a task that failed, by the end of its output; null: that tells nothing known. */
export async function diagnose(directory: string, situation: Situation): Promise<Diagnosis | null> {
  const log = openLog(directory);
  const size = await log.size();
  const { chunks } = await log.read(Math.max(0, size - LAST_BYTES), LAST_BYTES);
  return diagnosisOf(Buffer.concat(chunks.map(({ data }) => data)).toString('utf8'), situation);
}

/** @param output the end of what it wrote, both streams together */
export function diagnosisOf(output: string, situation: Situation): Diagnosis | null {
  const { bySignal, xid } = situation;
  const text = withoutRanks(output);
  // Where a signal ended it, no traceback tells how.
  const telling = bySignal ? text : fatalPart(output);
  for (const { class: name, pattern, advice } of FAILURES) {
    const match = bySignal && name === 'python_exception' ? null : lastMatch(telling, pattern);
    if (!match) continue;
    if (xid && GENERAL.includes(name)) break;
    const line = (match[0].split('\n').at(-1) as string).trim().slice(0, LONGEST_LINE);
    return { class: name, line, advice: advice(match, situation, text) };
  }
  return xid === null ? null : { class: 'xid', line: xid, advice: XID_ADVICE };
}

function lastMatch(text: string, pattern: RegExp): RegExpExecArray | null {
  let last: RegExpExecArray | null = null;
  for (const match of text.matchAll(new RegExp(pattern, `${pattern.flags}g`)))
    last = match as RegExpExecArray;
  return last;
}
