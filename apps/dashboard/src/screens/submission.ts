import type { Job, JobSubmissionInput } from '@berth/contract';

/** What the form holds: texts, as they are typed. */
export interface Form {
  command: string;
  workingDirectory: string;
  name: string;
  gpus: string;
  devices: string;
  model: string;
  minMemory: string;
  shareMemory: string;
  launch: 'single' | 'perDevice';
  timeLimit: string;
  priority: string;
  preemptible: boolean;
  environment: string;
}

export const EMPTY: Form = {
  command: '',
  workingDirectory: '',
  name: '',
  gpus: '1',
  devices: '',
  model: '',
  minMemory: '',
  shareMemory: '',
  launch: 'single',
  timeLimit: '',
  priority: '0',
  preemptible: false,
  environment: '',
};

const PIECE = /"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)|(\s+)|([^\s"'\\]+)|(["'\\])/gs;

/** What a shell would make of a line: quotes and backslashes, and nothing else of it. @throws Error for an open quote */
export function words(line: string): string[] {
  const found: string[] = [];
  let word: string | null = null;
  for (const [, double, single, escaped, space, plain, open] of line.matchAll(PIECE)) {
    if (open) throw new Error(`the command has a ${open} that is not closed`);
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

/** A word as it is typed to a shell. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** The submission that a form makes. What is wrong in it the daemon says. @throws Error where it can't be read */
export function toSubmission(form: Form): JobSubmissionInput {
  const environment = Object.fromEntries(
    form.environment
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const at = line.indexOf('=');
        if (at <= 0) throw new Error(`environment: "${line}" is no NAME=VALUE`);
        return [line.slice(0, at).trim(), line.slice(at + 1)];
      }),
  );
  const constraints = { ...given('model', form.model), ...given('minMemory', form.minMemory) };
  return {
    command: words(form.command),
    ...given('workingDirectory', form.workingDirectory),
    ...given('name', form.name),
    ...(form.devices ? given('devices', form.devices) : {}),
    ...(form.gpus ? { gpus: Number(form.gpus) } : {}),
    ...(Object.keys(constraints).length > 0 ? { constraints } : {}),
    ...(form.shareMemory ? { sharing: { memory: form.shareMemory } } : {}),
    ...(form.launch === 'perDevice' ? { launch: form.launch } : {}),
    ...given('timeLimit', form.timeLimit),
    ...(form.priority && form.priority !== '0' ? { priority: Number(form.priority) } : {}),
    ...(form.preemptible ? { preemptible: true } : {}),
    ...(Object.keys(environment).length > 0 ? { environment } : {}),
  };
}

const given = (name: string, text: string): Record<string, string> =>
  text.trim() ? { [name]: text.trim() } : {};

/** A job as it would be typed into the form. */
export function toForm(job: Job): Form {
  return {
    ...EMPTY,
    command: (job.command ?? ['sh', '-c', job.script ?? '']).map(quoted).join(' '),
    workingDirectory: job.workingDirectory,
    name: job.name,
    gpus: String(job.gpus),
    devices: job.devices ?? '',
    model: job.constraints?.model ?? '',
    minMemory: job.constraints?.minMemoryBytes ? String(job.constraints.minMemoryBytes) : '',
    shareMemory: job.sharing?.memoryBytes ? String(job.sharing.memoryBytes) : '',
    launch: job.launch,
    timeLimit: job.timeLimit === null ? '' : String(job.timeLimit),
    priority: String(job.priority),
    preemptible: job.preemptible,
    environment: Object.entries(job.environment)
      .map(([name, value]) => `${name}=${value}`)
      .join('\n'),
  };
}

/** The same on the command line. */
export function asBerth(form: Form): string {
  const flags: [string, string][] = [
    ['-J', form.name],
    ['-G', form.gpus === '1' ? '' : form.gpus],
    ['-D', form.devices],
    ['--model', form.model],
    ['--min-memory', form.minMemory],
    ['--share-memory', form.shareMemory],
    ['--launch', form.launch === 'perDevice' ? form.launch : ''],
    ['-t', form.timeLimit],
    ['--priority', form.priority === '0' ? '' : form.priority],
    ['-C', form.workingDirectory],
    ...form.environment.split('\n').map((line): [string, string] => ['-e', line.trim()]),
  ];
  const typed = flags.filter(([, value]) => value !== '').map(([flag, value]) => `${flag} ${quoted(value)}`);
  return ['berth submit', ...typed, ...(form.preemptible ? ['--preemptible'] : []), '--', form.command].join(
    ' ',
  );
}

/** The same with curl. */
export function asCurl(form: Form, origin: string): string {
  const body = quoted(JSON.stringify(toSubmission(form)));
  return `curl ${origin}/v1/jobs -H "Authorization: Bearer $BERTH_TOKEN" -H 'Content-Type: application/json' -d ${body}`;
}
