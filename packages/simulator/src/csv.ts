import { readFileSync } from 'node:fs';
import { CsvError, type Info, parse } from 'csv-parse/sync';
import { InputError, inOrder, type Trace, type TraceJob } from './trace.js';

const NEEDED = ['submit', 'user', 'gpus', 'duration'] as const;
export const COLUMNS = [...NEEDED, 'timeLimit', 'priority'] as const;
type Row = Partial<Record<(typeof COLUMNS)[number], string>>;

/**
 * Reads a trace: one line of column names, then one job a line. `submit`, `duration` and `timeLimit` are seconds, `submit` from
 * whatever moment; an empty or missing `timeLimit` is none, such a `priority` 0.
 * @param mostGpus what one node has: a job lives on one
 * @throws InputError naming file, line and column
 */
export function readCsv(file: string, mostGpus: number): Trace {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new InputError(`can't read the trace ${file}: ${(error as Error).message}`);
  }
  return parseCsv(text, file, mostGpus);
}

export function parseCsv(text: string, file: string, mostGpus: number): Trace {
  const jobs = rowsOf(text, file).map(({ record, info }) => {
    const cell = new Cells(record, `${file}:${info.lines}`);
    return {
      submit: cell.number('submit', 0),
      user: cell.text('user'),
      gpus: cell.number('gpus', 1, { most: mostGpus, whole: true, because: 'the largest node' }),
      duration: cell.number('duration', 0),
      timeLimit: record.timeLimit ? cell.number('timeLimit', 1) : null,
      priority: record.priority ? cell.number('priority', Number.MIN_SAFE_INTEGER, { whole: true }) : 0,
    };
  });
  if (jobs.length === 0) throw new InputError(`${file}: there are no jobs in it`);
  const began = jobs.reduce((first, { submit }) => Math.min(first, submit), Number.POSITIVE_INFINITY);
  return inOrder(jobs.map((job) => seconds({ ...job, submit: job.submit - began })));
}

/** Virtual time has whole seconds, and no job takes none. */
const seconds = <Job extends Pick<TraceJob, 'submit' | 'duration' | 'timeLimit'>>(job: Job): Job => ({
  ...job,
  submit: Math.round(job.submit),
  duration: Math.max(1, Math.round(job.duration)),
  timeLimit: job.timeLimit && Math.round(job.timeLimit),
});

function rowsOf(text: string, file: string): { record: Row; info: Info }[] {
  try {
    return parse(text, {
      bom: true,
      columns: (names: string[]) => checkColumns(names, file),
      info: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as { record: Row; info: Info }[];
  } catch (error) {
    if (error instanceof CsvError) throw new InputError(`${file}: ${error.message}`);
    throw error;
  }
}

function checkColumns(names: string[], file: string): string[] {
  const missing = NEEDED.filter((name) => !names.includes(name));
  const unknown = names.filter((name) => !(COLUMNS as readonly string[]).includes(name));
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  const problem =
    (missing.length > 0 && `column ${missing.join(', ')} is missing`) ||
    (unknown.length > 0 && `column '${unknown.join("', '")}' is unknown`) ||
    (twice.length > 0 && `column ${twice.join(', ')} is there twice`);
  if (problem) throw new InputError(`${file}:1: ${problem}; columns are ${COLUMNS.join(', ')}`);
  return names;
}

/** The cells of one line; what is wrong with one is said with its place. */
class Cells {
  private readonly record: Row;
  private readonly place: string;

  constructor(record: Row, place: string) {
    this.record = record;
    this.place = place;
  }

  text(column: keyof Row): string {
    const text = this.record[column];
    if (!text) throw new InputError(`${this.place}: column ${column} is empty`);
    return text;
  }

  number(
    column: keyof Row,
    least: number,
    { most = Number.MAX_SAFE_INTEGER, whole = false, because = '' } = {},
  ): number {
    const text = this.text(column);
    const number = Number(text);
    if (number >= least && number <= most && (!whole || Number.isInteger(number))) return number;
    const range =
      most < Number.MAX_SAFE_INTEGER
        ? ` from ${least} to ${most}${because && ` (${because})`}`
        : least > Number.MIN_SAFE_INTEGER
          ? ` from ${least} on`
          : '';
    throw new InputError(
      `${this.place}: column ${column}: '${text.slice(0, 40)}' is no ${whole ? 'whole ' : ''}number${range}`,
    );
  }
}
