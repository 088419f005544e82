import type { Device, Driver } from '@berth/contract';
import type { Command } from 'commander';
import { duration, memory, UNKNOWN } from '../figures.js';
import { type Action, addVerb, type Kit, type Outcome } from '../kit.js';
import { displayWidth } from '../table.js';
import { harmless, type Terminal } from '../terminal.js';

const STALE_SECONDS = 30;

export function addDevices(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program.command('devices').description('list devices: load, memory and who holds them');
  addVerb(command, kit, outcome, devices);
}

const devices: Action<object> = async ({ client, terminal }, { json }) => {
  const list = await client.devices.list();
  if (json) {
    terminal.json(list);
    return 0;
  }
  for (const line of deviceLines(list.items, terminal)) terminal.print(line);
  for (const line of driverLines(list.driver, list.items.length)) terminal.note(line);
  return 0;
};

/** One line a device, in gpustat's order: what it is, its load, its memory, who has it. */
export function deviceLines(items: readonly Device[], terminal: Terminal): string[] {
  const rows = items.map((device) => [
    `[${device.index}] ${harmless(device.name)}${device.simulated ? ' (simulated)' : ''}`,
    loadOf(device),
    memory(device.sample?.memoryUsedBytes ?? null, device.memoryTotalBytes),
    holderOf(device),
  ]);
  const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => displayWidth(row[i] as string))));
  return rows.map((row, i) => {
    const cells = row.map((text, column) => {
      const blank = ' '.repeat(Math.max(0, (widths[column] ?? 0) - displayWidth(text)));
      return column === 1 || column === 2 ? blank + text : text + blank;
    });
    const holder = items[i]?.holder ? terminal.paint('cyan', cells[3] as string) : cells[3];
    return `${cells[0]} │ ${cells[1]} │ ${cells[2]} │ ${holder}`;
  });
}

function loadOf({ sample }: Device): string {
  return sample?.utilisation == null ? `${UNKNOWN} %` : `${Math.round(sample.utilisation * 100)} %`;
}

function holderOf({ holder, sample }: Device): string {
  const processes = sample?.processes?.length ?? 0;
  const foreign =
    processes > 0 ? `no job, but ${processes} foreign process${processes === 1 ? '' : 'es'}` : UNKNOWN;
  const who = holder ? harmless(`job ${holder.number} ${holder.user}:${holder.name}`) : foreign;
  const isStale = sample !== null && sample.ageSeconds > STALE_SECONDS;
  return isStale ? `${who} (as of ${duration(sample.ageSeconds)} ago)` : who;
}

function driverLines({ problem, simulated }: Driver, count: number): string[] {
  if (problem) return [`berth: ${harmless(problem.detail)}`, `berth: ${harmless(problem.hint)}`];
  if (count === 0)
    return ['berth: the driver shows no device to this daemon (is CUDA_VISIBLE_DEVICES set for it?)'];
  return simulated ? ['the devices are simulated: every figure of theirs is made up'] : [];
}
