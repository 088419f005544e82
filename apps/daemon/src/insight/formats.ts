import { stripVTControlCharacters } from 'node:util';
import { CONTROL, NUMBER, nameOf, numberOf, PAIR, seriesName } from './figures.js';
import { placeIn, readPrint } from './prints.js';

/** Where a figure comes from; a later one in this list knows better than an earlier one. */
export const SOURCES = ['print', 'bar', 'dictionary', 'json', 'tensorboard', 'report'] as const;
export type Source = (typeof SOURCES)[number];

/** What one line of a training loop says. */
export interface Observation {
  source: Source;
  epoch?: number;
  epochs?: number;
  /** Within the epoch, where there is one. */
  step?: number;
  steps?: number;
  /** Of a bar: how many others are drawn above it, each of a loop around its own. */
  level?: number;
  /** As the program itself says. */
  etaSeconds?: number;
  /** When it was said, in ms since the epoch, where that is said too. */
  at?: number;
  /** NaN and infinities too: people want to see those. */
  metrics: Record<string, number>;
}

const WHOLE_NUMBER = new RegExp(`^(?:${NUMBER})$`, 'i');
/** tqdm, and what is built on it: " 45%|████▌     | 450/1000 [00:12<00:15, 36.2it/s, loss=0.12]". */
const TQDM =
  /(\d{1,3})%\|[^|]*\|\s*([\d.]+)([kMG]?)\/([\d.]+)([kMG]?)\s*\[[\d:]+<([\d:?]+)(?:,\s*([^\]]*))?\]/;
/** After a bar that is drawn below others tqdm goes back up, a line for each. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: this is what is looked for.
const BACK_UP = /(?:\u001b\[A)+$/;
/** What else bars are drawn for: what comes before and between, none of which is how far the training is. */
const NOT_TRAINING =
  /\b(?:download|upload|load|fetch|map|filter|token|generat|process|extract|prepar|sanity|valid|eval|test|predict|infer|sampl|sav)/i;
/** Keras: "938/938 [====] - 3s 3ms/step - loss: 0.3", "938/938 ━━━━ 3s 3ms/step - accuracy: 0.9 - loss: 0.3". */
const KERAS = /^\s*(\d+)\/(\d+)\s*(?:\[[=>.\s]*\]|━[━\s]*)\s*(?:-\s*)?(?:ETA:\s*([\d:]+)s?|[\d.]+m?s)?(.*)$/;
const SCALES: Record<string, number> = { '': 1, k: 1e3, M: 1e6, G: 1e9 };
/** Nobody's curve either. */
const NOT_METRICS = new Set([
  'epoch',
  'epochs',
  'step',
  'steps',
  'total',
  'global_step',
  'iter',
  'iteration',
  'v_num',
  'time',
  'at',
  'timestamp',
  'rank',
  'eta',
]);
const LONGEST_LINE = 4096;

/**
 * Reads one line of output; null: it says nothing of training. Only lines that fit a known form do: it has to say where in
 * the training it is, or be a bar, a dictionary or JSON as tools print them.
 */
export function readLine(raw: string): Observation | null {
  if (raw.length > LONGEST_LINE) return null;
  const line = stripVTControlCharacters(raw).replace(CONTROL, '').trim();
  if (line === '') return null;
  const level = (BACK_UP.exec(raw)?.[0].length ?? 0) / '\u001b[A'.length;
  return readJson(line) ?? readDictionary(line) ?? readBar(line, level) ?? readKeras(line) ?? readPrint(line);
}

/** What `berth.report` writes, and any program that appends JSON lines to BERTH_METRICS_FILE. */
export function readReport(line: string): Observation | null {
  const seen = readObject(line);
  return seen && { ...seen, source: 'report' };
}

function readJson(line: string): Observation | null {
  if (!line.startsWith('{') || !line.endsWith('}') || !line.includes('"')) return null;
  const seen = readObject(line);
  return seen && Object.keys(seen.metrics).length > 0 ? seen : null;
}

function readObject(line: string): Observation | null {
  let said: unknown;
  try {
    // As Python writes what JSON can't say.
    said = JSON.parse(line.replace(/(?<=[:,[\s])(-?Infinity|NaN)(?=[,}\]\s])/g, '"$1"'));
  } catch {
    return null;
  }
  if (typeof said !== 'object' || said === null || Array.isArray(said)) return null;
  const figures = new Map<string, number>();
  collect('', said as Record<string, unknown>, figures);
  return observationOf(figures, 'json');
}

/** Figures of an object, one level deep: `{"torch": {"allocated": 1}}` is `torch.allocated`. */
function collect(prefix: string, object: Record<string, unknown>, into: Map<string, number>): void {
  for (const [name, value] of Object.entries(object)) {
    if (typeof value === 'number') into.set(prefix + name, value);
    else if (value === 'NaN') into.set(prefix + name, Number.NaN);
    else if (value === 'Infinity' || value === '-Infinity') into.set(prefix + name, Number(value));
    else if (prefix === '' && typeof value === 'object' && value !== null && !Array.isArray(value))
      collect(`${name}.`, value as Record<string, unknown>, into);
  }
}

function observationOf(figures: ReadonlyMap<string, number>, source: Source): Observation {
  const first = (...names: string[]): number | undefined => {
    for (const name of names) {
      const figure = figures.get(name);
      if (figure !== undefined && Number.isFinite(figure)) return figure;
    }
    return undefined;
  };
  const [epoch, epochs] = [first('epoch'), first('epochs', 'total_epochs', 'num_epochs')];
  const [step, steps] = [
    first('step', 'global_step', 'iter', 'iteration'),
    first('total', 'steps', 'total_steps', 'max_steps'),
  ];
  const at = first('at');
  const metrics: Record<string, number> = {};
  for (const [told, value] of figures) {
    const name = seriesName(told);
    if (name !== null && !NOT_METRICS.has(told.toLowerCase())) metrics[name] = value;
  }
  // In whatever else somebody counts it, it is no time in ms.
  const isTime = at !== undefined && at > 1e12;
  return { source, ...given({ epoch, epochs, step, steps, at: isTime ? at : undefined }), metrics };
}

/** Hugging Face's Trainer: "{'loss': 2.4, 'learning_rate': 5e-05, 'epoch': 0.08}". */
function readDictionary(line: string): Observation | null {
  const inner = /\{('[\w./-]+':\s*[^{}]*)\}$/.exec(line)?.[1];
  if (!inner) return null;
  const figures = new Map<string, number>();
  const pair = new RegExp(String.raw`'([\w./-]+)':\s*'?(${NUMBER})'?(?=\s*(?:,|$))`, 'gi');
  for (const [, name, value] of inner.matchAll(pair)) figures.set(name as string, numberOf(value as string));
  if (figures.size === 0) return null;
  return observationOf(figures, 'dictionary');
}

function readBar(line: string, level: number): Observation | null {
  const bar = TQDM.exec(line);
  if (!bar) return null;
  const title = line.slice(0, bar.index);
  if (NOT_TRAINING.test(title)) return null;
  const [, , done, doneScale, total, totalScale, eta, postfix] = bar as unknown as string[];
  const { epoch, epochs } = placeIn(title).place;
  const metrics: Record<string, number> = {};
  for (const [, name, value] of (postfix ?? '').matchAll(PAIR)) {
    const clean = nameOf(name as string);
    if (!NOT_METRICS.has(clean)) metrics[clean] = numberOf(value as string);
  }
  return {
    source: 'bar',
    step: Number(done) * (SCALES[doneScale ?? ''] ?? 1),
    steps: Number(total) * (SCALES[totalScale ?? ''] ?? 1),
    ...given({ epoch, epochs, etaSeconds: secondsOf(eta), level: level || undefined }),
    metrics,
  };
}

function readKeras(line: string): Observation | null {
  const bar = KERAS.exec(line);
  if (!bar) return null;
  const [, done, total, eta, rest] = bar as unknown as string[];
  const metrics: Record<string, number> = {};
  for (const part of (rest ?? '').split(' - ')) {
    const [, name, value] = /^\s*(\w+):\s*(\S+)\s*$/.exec(part) ?? [];
    if (name && value && WHOLE_NUMBER.test(value)) metrics[nameOf(name)] = numberOf(value);
  }
  return {
    source: 'bar',
    step: Number(done),
    steps: Number(total),
    ...given({ etaSeconds: secondsOf(eta) }),
    metrics,
  };
}

/** `01:30`, `1:02:03`, `?`, or seconds. */
function secondsOf(clock: string | undefined): number | undefined {
  if (!clock || clock.includes('?')) return undefined;
  return clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}

function given<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
