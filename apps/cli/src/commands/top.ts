import { stripVTControlCharacters } from 'node:util';
import type { BerthClient } from '@berth/client';
import type { Command } from 'commander';
import { errorLines } from '../error-lines.js';
import { EXIT } from '../exit-codes.js';
import { type Action, addVerb, type Kit, type Outcome } from '../kit.js';
import { Screen } from '../screen.js';
import { harmless } from '../terminal.js';
import { press, type Snapshot, START, type TopState, type Wish } from '../top/model.js';
import { plainLines, screenLines } from '../top/view.js';
import { frameOf } from '../watch.js';
import { unfinished } from './ls.js';
import { linesOf } from './show.js';

const REFRESH_MILLISECONDS = 1000;
/** As much of a log as somebody scrolls through. */
const LOG_LINES = 2000;

type ClientKit = Kit & { client: BerthClient };

export function addTop(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('top')
    .description('a live view of devices, who has memory on them, and the queue')
    .addHelpText(
      'after',
      `
Keys: arrows or j k select a job, Enter shows it, l its log, c cancels it (after asking), / filters, q quits.
On a pipe it is printed once.

Examples:
  berth top
  berth top | head -20`,
    );
  addVerb(command, kit, outcome, top);
}

const top: Action<object> = async (kit, { json }) => {
  const { client, terminal } = kit;
  // What is wrong from the start, such as that no daemon runs, is said as ever.
  const first = await look(client);
  const screen = json ? null : Screen.open(kit.host);
  if (json) terminal.json({ devices: first.devices, jobs: first.jobs });
  else if (!screen) for (const line of plainLines(first, terminal, Date.now())) terminal.print(line);
  if (screen) await live(kit, screen, first);
  return EXIT.ok;
};

async function live(kit: ClientKit, screen: Screen, first: Snapshot): Promise<void> {
  let snapshot = first;
  let state: TopState = START;
  // Not in the way of the keyboard: a daemon that is slow to answer doesn't keep anybody from leaving.
  const refreshing = new AbortController();
  const refresh = async (): Promise<void> => {
    while (!refreshing.signal.aborted) {
      snapshot = await look(kit.client, refreshing.signal).catch((error) => ({
        ...snapshot,
        trouble: errorLines(error, 'top'),
      }));
      await new Promise((resolve) => setTimeout(resolve, REFRESH_MILLISECONDS));
    }
  };
  void refresh();
  try {
    for (;;) {
      screen.draw(screenLines(snapshot, state, kit.terminal, screen, Date.now()));
      const key = await screen.key(REFRESH_MILLISECONDS / 2);
      if (key === null) continue;
      const pressed = press(state, key, snapshot.jobs);
      state = pressed.state;
      if (pressed.wish?.kind === 'quit') return;
      if (pressed.wish) state = await carryOut(kit, pressed.wish, state);
    }
  } finally {
    refreshing.abort();
    screen.close();
  }
}

async function look(client: BerthClient, signal?: AbortSignal): Promise<Snapshot> {
  const [{ items }, { jobs }] = await Promise.all([client.devices.list({ signal }), unfinished(client)]);
  return { devices: items, jobs, trouble: [] };
}

async function carryOut(
  kit: ClientKit,
  wish: Exclude<Wish, { kind: 'quit' }>,
  state: TopState,
): Promise<TopState> {
  try {
    if (wish.kind === 'cancel') {
      const { number, state: now } = await kit.client.jobs.cancel(wish.job);
      return { ...state, message: `job ${number} is ${now}` };
    }
    const { verb, job } = wish;
    const lines = verb === 'show' ? await shown(kit, job.id) : await logged(kit, job.id);
    const first = verb === 'logs' ? Math.max(0, lines.length - (kit.host.stdout.rows ?? 24) + 2) : 0;
    return { ...state, mode: { kind: 'text', verb, job, lines, first } };
  } catch (error) {
    return { ...state, message: errorLines(error, null).join(' ') };
  }
}

async function shown(kit: ClientKit, id: string): Promise<string[]> {
  const job = await kit.client.jobs.get(id);
  return frameOf(kit, async ({ terminal }) => {
    for (const line of linesOf(job, terminal, Date.now())) terminal.print(line);
  });
}

/** The end of its log, without what would steer the terminal; of a line that was written over, what was left. */
async function logged({ client }: ClientKit, id: string): Promise<string[]> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const part of client.jobs.logs(id, { tail: LOG_LINES }))
    text += decoder.decode(part, { stream: true });
  if (text === '') return ['it has written nothing yet'];
  return stripVTControlCharacters(text)
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => harmless(line.replace(/\r$/, '').replace(/^.*\r/s, '').replaceAll('\t', '    ')));
}
