import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { native } from './native.js';
import type { StartRecord } from './records.js';

const PURPOSES = ['warning', 'drill', 'end'] as const;

export interface Order {
  /** `end`: half the grace period later SIGTERM follows, at its end SIGKILL. With the others the task goes on. */
  purpose: (typeof PURPOSES)[number];
  /** What every process of the task gets. */
  signal: NodeJS.Signals;
}

/** An order that a shim has carried out. */
export interface OrderRecord extends Order {
  /** ms since the epoch. */
  at: number;
  /** How many processes got the signal. */
  processes: number;
  /** How many of them had a handler for it. */
  handlers: number;
}

/**
 * Gives an order to a task's shim. One whose task is being ended already ignores it.
 * @returns whether it was sent; never to a shim of an older version, which would not understand
 */
export function orderShim(lockPath: string, start: StartRecord, { purpose, signal }: Order): boolean {
  if (!start.takesOrders) return false;
  return native.orderHolder(lockPath, start.shimPid, PURPOSES.indexOf(purpose), constants.signals[signal]);
}

/** The orders that a task's shim has carried out, oldest first. */
export function readOrders(directory: string): OrderRecord[] {
  let lines: string[];
  try {
    lines = readFileSync(join(directory, 'orders.jsonl'), 'utf8').split('\n');
  } catch {
    return [];
  }
  // Behind the last newline may be half a line, where the disk was full.
  return lines.slice(0, -1).flatMap((line) => {
    try {
      return [JSON.parse(line) as OrderRecord];
    } catch {
      return [];
    }
  });
}
