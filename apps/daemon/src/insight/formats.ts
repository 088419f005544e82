import { stripVTControlCharacters } from 'node:util';

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

const NUMBER = String.raw`[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf(?:inity)?)`;
/** What people print of a training loop. Other figures on a line are nobody's curve. */
const KNOWN =
  /(?:^|[_\s/])(?:loss|acc|accuracy|ppl|perplexity|lr|learning_rate|grad_norm|reward|return|score|f1|auc|bleu|wer|cer|mse|rmse|mae|err|error|iou|map|psnr|ssim|kl|entropy|precision|recall)(?:$|[_\s/\d@])/i;
const PAIR = new RegExp(String.raw`([A-Za-z][\w./@ -]{0,40}?)\s*[:=]\s*(${NUMBER})(?![\w:/%.])`, 'gi');
const WHOLE_NUMBER = new RegExp(`^(?:${NUMBER})$`, 'i');
/** nanoGPT: "step 200: train loss 3.5688, val loss 3.5900". */
const BLANK_PAIR = new RegExp(
  String.raw`\b((?:(?:train|val|valid|validation|test|eval)\s+)?loss)\s+(${NUMBER})(?![\w:/%.])`,
  'gi',
);

const EPOCH_OF = /\bepochs?\s*[:#]?\s*[[(]?\s*(\d+)\s*(?:\/|of)\s*(\d+)/i;
const EPOCH = /\bepochs?\s*[:#]?\s*[[(]?\s*(\d+)\b(?!\s*[./]\d)/i;
const STEP_OF =
  /\b(?:global[_ ]step|step|iter(?:ation)?|it|batch)s?\s*[:#]?\s*[[(]?\s*(\d+)\s*(?:\/|of)\s*(\d+)/i;
const STEP = /\b(?:global[_ ]step|step|iter(?:ation)?|batch)s?\s*[:#]?\s*[[(]?\s*(\d+)\b(?!\s*[./]\d)/i;
/** PyTorch's own examples: "Train Epoch: 1 [640/60000 (1%)]". */
const SAMPLES = /\[(\d+)\/(\d+)\s*\(\s*\d+%\)\]/;
/** What says where in the training a line is: no part of the names of its figures. */
const PLACES = [EPOCH_OF, EPOCH, STEP_OF, SAMPLES, STEP];
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
const LONGEST_NAME = 200;
/** Keras goes back over its bar by backspaces before it draws it anew. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const CONTROL = /[\u0000-\u0008\u000e-\u001f\u007f]/g;

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
  const metrics: Record<string, number> = {};
  for (const [, name, value] of (postfix ?? '').matchAll(PAIR)) {
    const clean = nameOf(name as string);
    if (!NOT_METRICS.has(clean)) metrics[clean] = numberOf(value as string);
  }
  return {
    source: 'bar',
    ...epochIn(title),
    step: Number(done) * (SCALES[doneScale ?? ''] ?? 1),
    steps: Number(total) * (SCALES[totalScale ?? ''] ?? 1),
    ...given({ etaSeconds: secondsOf(eta), level: level || undefined }),
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

function readPrint(line: string): Observation | null {
  const where = { ...epochIn(line), ...stepIn(line) };
  if (Object.keys(where).length === 0) return null;
  const metrics: Record<string, number> = {};
  const rest = PLACES.reduce((text, place) => text.replace(place, ' | '), line);
  for (const pattern of [PAIR, BLANK_PAIR]) {
    for (const [, name, value] of rest.matchAll(pattern)) {
      const clean = nameOf(name as string);
      if (KNOWN.test(clean)) metrics[clean] = numberOf(value as string);
    }
  }
  // "Epoch 3/10" alone, as Keras prints it, is progress too.
  const isHeading = /^\W*epoch\W+\d+\s*(?:\/|of)\s*\d+\W*$/i.test(line);
  if (Object.keys(metrics).length === 0 && !isHeading) return null;
  return { source: 'print', ...where, metrics };
}

function epochIn(text: string): Pick<Observation, 'epoch' | 'epochs'> {
  const both = EPOCH_OF.exec(text);
  if (both) return { epoch: Number(both[1]), epochs: Number(both[2]) };
  const alone = EPOCH.exec(text);
  return alone ? { epoch: Number(alone[1]) } : {};
}

function stepIn(text: string): Pick<Observation, 'step' | 'steps'> {
  const both = STEP_OF.exec(text) ?? SAMPLES.exec(text);
  if (both) return { step: Number(both[1]), steps: Number(both[2]) };
  const alone = STEP.exec(text);
  return alone ? { step: Number(alone[1]) } : {};
}

/** What a figure is called, of which a program tells by name; null: that is too long, or nothing. */
export function seriesName(told: string): string | null {
  return told.length > LONGEST_NAME ? null : nameOf(told) || null;
}

/** `Train Loss` and `train_loss` are one. */
const nameOf = (name: string): string =>
  name
    .replace(CONTROL, '')
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_')
    .replace(/^[_./]+|[_./]+$/g, '');

function numberOf(text: string): number {
  const word = text.toLowerCase().replace(/^\+/, '');
  if (word.endsWith('nan')) return Number.NaN;
  if (word.includes('inf')) return word.startsWith('-') ? -Infinity : Infinity;
  return Number(word);
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
