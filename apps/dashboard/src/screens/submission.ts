import { BerthProblem } from '@berth/client';
import type { Job, JobSubmissionInput } from '@berth/contract';
import type { Field } from './submission-fields.js';

/** What the form holds: texts, as they are typed, by the paths of their fields. What isn't there is empty. */
export type Form = Readonly<Record<string, string>>;

const PIECE = /"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)|(\s+)|([^\s"'\\]+)|(["'\\])/gs;

/** What is wrong with a field before the daemon is asked. */
export class FieldTrouble extends Error {
  override readonly name = 'FieldTrouble';
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

/** What keeps a form from being a job, and in which field, by its path; null: in none. */
export interface Mistake {
  path: string | null;
  detail: string;
}

/** What an error says about a form: the daemon's pointers, such as `#/after/0`, as fields. */
export function mistakesIn(error: Error, fields: readonly Field[]): Mistake[] {
  if (error instanceof FieldTrouble) return [{ path: error.path, detail: error.message }];
  if (!(error instanceof BerthProblem) || error.errors.length === 0)
    return [{ path: null, detail: error.message }];
  return error.errors.map(({ pointer, detail }) => {
    const path = pointer.replace(/^#\/?/, '').replaceAll('/', '.');
    const field = fields.find((each) => `${path}.`.startsWith(`${each.path}.`));
    return { path: field?.path ?? (path || null), detail };
  });
}

/** What a shell would make of a line: quotes and backslashes, and nothing else of it. @throws FieldTrouble for an open quote */
export function words(line: string): string[] {
  const found: string[] = [];
  let word: string | null = null;
  for (const [, double, single, escaped, space, plain, open] of line.matchAll(PIECE)) {
    if (open) throw new FieldTrouble('command', `has a ${open} that is not closed`);
    if (space === undefined) {
      word = (word ?? '') + (double?.replace(/\\(["\\])/g, '$1') ?? single ?? escaped ?? plain ?? '');
    } else {
      if (word !== null) found.push(word);
      word = null;
    }
  }
  if (word !== null) found.push(word);
  return found;
}

/** Operators, variables and patterns, to a shell; in double quotes it knows variables alone. */
const OPEN_SHELL = /&&|\|\||>>|[|&;<>`*]|\$[\w({]/;
const QUOTED_SHELL = /`|\$[\w({]/;

/** The first thing in a line that a shell would not take literally; null: a shell would run the same words. */
export function shellSign(line: string): string | null {
  for (const [, double, , , , plain] of line.matchAll(PIECE)) {
    const [sign] = OPEN_SHELL.exec(plain ?? '') ?? QUOTED_SHELL.exec(double ?? '') ?? [];
    if (sign) return sign.startsWith('$') ? '$' : sign;
  }
  return null;
}

/** A word as it is typed to a shell. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** Whether the form says what to run. */
export const isProgram = (form: Form): boolean => Boolean(form.command?.trim() || form.script?.trim());

/** The submission that a form makes. What is wrong in it the daemon says. @throws FieldTrouble where it can't be read */
export function toSubmission(form: Form, fields: readonly Field[]): JobSubmissionInput {
  const submission: Record<string, unknown> = {};
  for (const field of fields) {
    const text = form[field.path]?.trim() ?? '';
    if (text !== '') put(submission, field.path.split('.'), valueIn(field, text));
  }
  return submission as unknown as JobSubmissionInput;
}

function put(into: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    into[name] = value;
    return;
  }
  into[name] ??= {};
  put(into[name] as Record<string, unknown>, rest, value);
}

function valueIn({ path, kind }: Field, text: string): unknown {
  switch (kind) {
    case 'words':
      return words(text);
    case 'number':
      return numberIn(text);
    case 'yes':
      return text === 'true';
    case 'list':
      return listIn(text);
    case 'numbers':
      return listIn(text).map(numberIn);
    case 'pairs':
      return Object.fromEntries(pairsIn(path, text));
    case 'json':
      try {
        return JSON.parse(text);
      } catch {
        throw new FieldTrouble(path, 'is no JSON');
      }
    default:
      return text;
  }
}

/** What is no number goes as it is: the daemon says what is wrong with it. */
const numberIn = (text: string): number | string => (Number.isNaN(Number(text)) ? text : Number(text));

const listIn = (text: string): string[] => text.split(/[\s,]+/).filter((each) => each !== '');

function pairsIn(path: string, text: string): [string, string][] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const at = line.indexOf('=');
    if (at <= 0) throw new FieldTrouble(path, `"${line}" is no NAME=VALUE`);
    return [line.slice(0, at).trim(), line.slice(at + 1)];
  });
}

/** What a job calls otherwise than a submission, or has no use for a second time. */
const OF_JOB: Record<string, (job: Job) => unknown> = {
  command: ({ command }) => command?.map(quoted).join(' '),
  'constraints.minMemory': ({ constraints }) => constraints?.minMemoryBytes,
  'sharing.memory': ({ sharing }) => sharing?.memoryBytes,
  user: () => null,
  hold: () => null,
  startAfter: () => null,
  after: () => null,
  snapshot: () => null,
  notify: () => null,
};

/** A job as it would be typed into the form. */
export function toForm(job: Job, fields: readonly Field[]): Form {
  const texts = fields.map((field): [string, string] => {
    const own = OF_JOB[field.path];
    const text = textOf(own ? own(job) : at(job, field.path.split('.')));
    return [field.path, text === field.initial ? '' : text];
  });
  return Object.fromEntries(texts.filter(([, text]) => text !== ''));
}

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((found, name) => (found as Record<string, unknown> | null)?.[name], value);

function textOf(value: unknown): string {
  if (value == null) return '';
  if (Array.isArray(value)) return value.join(',');
  if (typeof value !== 'object') return String(value);
  return Object.entries(value)
    .map(([name, each]) => `${name}=${each}`)
    .join('\n');
}

/** The flags of `berth submit`, in the order in which they are typed; of a choice, `path=value`. */
const FLAGS: Record<string, string> = {
  name: '-J',
  gpus: '-G',
  devices: '-D',
  'constraints.model': '--model',
  'constraints.minMemory': '--min-memory',
  'constraints.minComputeCapability': '--min-capability',
  'constraints.labels': '--device-label',
  'sharing.memory': '--share-memory',
  'sharing.slots': '--slots',
  launch: '--launch',
  timeLimit: '-t',
  gracePeriod: '--grace',
  priority: '--priority',
  workingDirectory: '-C',
  snapshot: '--snapshot',
  environment: '-e',
  labels: '--label',
  user: '-u',
  hold: '--hold',
  startAfter: '-b',
  after: '-a',
  'onDependencyFailure=wait': '--after-wait',
  'retry.limit': '--retries',
  'retry.on': '--retry-on',
  'retry.exitCodes': '--retry-on',
  preemptible: '--preemptible',
  checkpointSignal: '--checkpoint-signal',
  checkpointPath: '--checkpoint-path',
  script: '--wrap',
};
/** Two fields that one flag says: `--warn 5m:SIGUSR2`. */
const PAIRS: [string, string, string][] = [
  ['--warn', 'timeLimitWarning.before', 'timeLimitWarning.signal'],
  ['--hang', 'hang.after', 'hang.action'],
];

/** The same on the command line, and what of it can't be said there. */
export function asBerth(form: Form, fields: readonly Field[]): { line: string; without: string[] } {
  const typed: string[] = [];
  const said = new Set(['command']);
  const byPath = new Map(fields.map((field) => [field.path, field]));
  for (const [key, flag] of Object.entries(FLAGS)) {
    const [path = '', choice] = key.split('=');
    const field = byPath.get(path);
    const text = form[path]?.trim() ?? '';
    if (!field || text === '' || (choice !== undefined && choice !== text)) continue;
    typed.push(...wordsFor(field, text, choice === undefined).map((word) => [flag, word].join(' ').trim()));
    said.add(path);
  }
  for (const [flag, first, second] of PAIRS) {
    const both = [form[first], form[second]].filter(Boolean).join(':');
    if (both) typed.push(`${flag} ${quoted(both)}`);
    for (const path of [first, second]) said.add(path);
  }
  const command = form.command?.trim() ? ['--', ...words(form.command).map(quoted)] : [];
  const without = Object.keys(form).filter((path) => form[path]?.trim() && !said.has(path));
  return { line: ['berth submit', ...typed, ...command].join(' '), without };
}

/** What stands behind each mention of a field's flag. */
function wordsFor({ kind }: Field, text: string, hasValue: boolean): string[] {
  if (kind === 'yes' || !hasValue) return text === 'false' ? [] : [''];
  if (kind === 'list' || kind === 'numbers') return listIn(text).map(quoted);
  if (kind !== 'pairs') return [quoted(text)];
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => quoted(line.trim()));
}

/** The same with curl. */
export function asCurl(form: Form, fields: readonly Field[], origin: string): string {
  const body = quoted(JSON.stringify(toSubmission(form, fields)));
  return `curl ${origin}/v1/jobs -H "Authorization: Bearer $BERTH_TOKEN" -H 'Content-Type: application/json' -d ${body}`;
}
