import type { Device, Job } from '@berth/contract';

/** What is known at a moment. */
export interface Snapshot {
  devices: readonly Device[];
  /** What runs, then what waits, in its order. */
  jobs: readonly Job[];
  /** What went wrong when it was asked for; empty: nothing did. */
  trouble: readonly string[];
}

/** What the person at the keyboard looks at. */
export type Mode =
  | { kind: 'list' }
  | { kind: 'filter' }
  | { kind: 'confirm'; job: Job }
  | { kind: 'text'; verb: 'show' | 'logs'; job: Job; lines: readonly string[]; first: number };

export interface TopState {
  mode: Mode;
  /** The id of the job that the cursor is on. */
  selected: string | null;
  filter: string;
  /** What became of the last wish; shown until the next key. */
  message: string;
}

/** What a key asks for that takes more than looking. */
export type Wish =
  | { kind: 'quit' }
  | { kind: 'cancel'; job: Job }
  | { kind: 'open'; verb: 'show' | 'logs'; job: Job };

export const START: TopState = { mode: { kind: 'list' }, selected: null, filter: '', message: '' };

const ESCAPE = '\x1b';
const ENTER = ['\r', '\n'];
const UP = ['k', '\x1b[A', '\x1bOA'];
const DOWN = ['j', '\x1b[B', '\x1bOB'];
const PAGE_UP = ['\x1b[5~', '\x02'];
const PAGE_DOWN = ['\x1b[6~', '\x06', ' '];
const RUBOUT = ['\x7f', '\b'];
const PAGE_ROWS = 10;

/** The jobs that the filter lets through: those with its text in number, name, user or state. */
export function filtered(jobs: readonly Job[], filter: string): readonly Job[] {
  const text = filter.trim().toLowerCase();
  if (text === '') return jobs;
  return jobs.filter(({ number, name, user, state }) =>
    `${number} ${name} ${user} ${state}`.toLowerCase().includes(text),
  );
}

/** Where the cursor is among these jobs: where it was, or at the top when that job is gone. */
export function cursorOf(jobs: readonly Job[], { selected }: TopState): number {
  return Math.max(
    0,
    jobs.findIndex(({ id }) => id === selected),
  );
}

/** What a key changes, and what it asks for. */
export function press(
  state: TopState,
  key: string,
  all: readonly Job[],
): { state: TopState; wish: Wish | null } {
  if (key === '\x03') return { state, wish: { kind: 'quit' } };
  const calm = { ...state, message: '' };
  switch (state.mode.kind) {
    case 'list':
      return inList(calm, key, filtered(all, state.filter));
    case 'filter':
      return { state: inFilter(calm, key), wish: null };
    case 'confirm': {
      const { job } = state.mode;
      const back: TopState = { ...calm, mode: { kind: 'list' } };
      if (key === 'y' || key === 'Y') return { state: back, wish: { kind: 'cancel', job } };
      return { state: { ...back, message: `job ${job.number} goes on` }, wish: null };
    }
    case 'text':
      return { state: inText(calm, state.mode, key), wish: null };
  }
}

function inList(state: TopState, key: string, jobs: readonly Job[]): { state: TopState; wish: Wish | null } {
  const cursor = cursorOf(jobs, state);
  const job = jobs[cursor];
  const move = (to: number) => ({
    state: { ...state, selected: jobs[Math.max(0, Math.min(jobs.length - 1, to))]?.id ?? null },
    wish: null,
  });
  if (UP.includes(key)) return move(cursor - 1);
  if (DOWN.includes(key)) return move(cursor + 1);
  if (PAGE_UP.includes(key)) return move(cursor - PAGE_ROWS);
  if (PAGE_DOWN.includes(key)) return move(cursor + PAGE_ROWS);
  if (key === 'g') return move(0);
  if (key === 'G') return move(jobs.length - 1);
  if (key === 'q' || key === 'Q') return { state, wish: { kind: 'quit' } };
  if (key === '/') return { state: { ...state, mode: { kind: 'filter' } }, wish: null };
  if (key === ESCAPE) return { state: { ...state, filter: '' }, wish: null };
  if (job && ENTER.includes(key)) return { state, wish: { kind: 'open', verb: 'show', job } };
  if (job && key === 'l') return { state, wish: { kind: 'open', verb: 'logs', job } };
  if (job && key === 'c') return { state: { ...state, mode: { kind: 'confirm', job } }, wish: null };
  return { state, wish: null };
}

function inFilter(state: TopState, key: string): TopState {
  if (ENTER.includes(key)) return { ...state, mode: { kind: 'list' } };
  if (key === ESCAPE) return { ...state, mode: { kind: 'list' }, filter: '' };
  if (RUBOUT.includes(key)) return { ...state, filter: state.filter.slice(0, -1) };
  return /^\P{Cc}$/u.test(key) ? { ...state, filter: (state.filter + key).slice(0, 60) } : state;
}

function inText(state: TopState, mode: Extract<Mode, { kind: 'text' }>, key: string): TopState {
  const at = (first: number): TopState => ({
    ...state,
    mode: { ...mode, first: Math.max(0, Math.min(mode.lines.length - 1, first)) },
  });
  if (UP.includes(key)) return at(mode.first - 1);
  if (DOWN.includes(key)) return at(mode.first + 1);
  if (PAGE_UP.includes(key)) return at(mode.first - PAGE_ROWS);
  if (PAGE_DOWN.includes(key)) return at(mode.first + PAGE_ROWS);
  if (key === 'g') return at(0);
  if (key === 'G') return at(mode.lines.length - PAGE_ROWS);
  const leaves = key === 'q' || key === ESCAPE || ENTER.includes(key);
  return leaves ? { ...state, mode: { kind: 'list' } } : state;
}
