export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface Family {
  type: string;
  help: string;
  samples: Sample[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;
const VALUE = /^(?:[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?|NaN|[-+]Inf)$/i;
const SUFFIXES: Record<string, string[]> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

/**
 * Reads the text format of Prometheus 0.0.4, and throws at whatever isn't just so: a sample without the family before it, a family
 * told twice, a series told twice, a counter below 0, a histogram whose buckets don't add up.
 */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, Family>();
  const series = new Set<string>();
  let help: { name: string; text: string } | null = null;
  let current: { name: string; family: Family } | null = null;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const comment = new RegExp(`^# (HELP|TYPE) (${NAME}) (.*)$`).exec(line);
    if (comment) {
      const [, what, name, rest] = comment as unknown as [string, string, string, string];
      if (what === 'HELP') {
        help = { name, text: rest };
        continue;
      }
      if (help?.name !== name || help.text === '') throw new Error(`no help before: ${line}`);
      if (families.has(name)) throw new Error(`a family twice: ${line}`);
      if (!/^(counter|gauge|histogram|summary)$/.test(rest)) throw new Error(`no such type: ${line}`);
      current = { name, family: { type: rest, help: help.text, samples: [] } };
      families.set(name, current.family);
      continue;
    }
    const sample = sampleIn(line);
    const suffixes = SUFFIXES[current?.family.type ?? ''] ?? [''];
    if (!current || !suffixes.some((suffix) => `${current?.name}${suffix}` === sample.name))
      throw new Error(`a sample outside of its family: ${line}`);
    const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
    if (series.has(key)) throw new Error(`a series twice: ${line}`);
    series.add(key);
    if (current.family.type === 'counter' && !(sample.value >= 0)) throw new Error(`below 0: ${line}`);
    current.family.samples.push(sample);
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkBuckets(name, family.samples);
  return families;
}

function sampleIn(line: string): Sample {
  const [, name, labelText = '', valueText] =
    new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`).exec(line) ?? [];
  if (!name || !valueText || !VALUE.test(valueText)) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  for (let rest = labelText; rest !== ''; ) {
    const [all, label, value] = LABEL.exec(rest) ?? [];
    if (!all || !label || value === undefined || label in labels) throw new Error(`bad labels: ${line}`);
    labels[label] = value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    rest = rest.slice(all.length);
  }
  return { name, labels, value: Number(valueText.replace('Inf', 'Infinity')) };
}

function checkBuckets(name: string, samples: readonly Sample[]): void {
  const of = ({ labels: { le: _, ...rest } }: Sample) => JSON.stringify(Object.entries(rest).sort());
  for (const labels of new Set(samples.map(of))) {
    const own = samples.filter((sample) => of(sample) === labels);
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
    const count = own.find((sample) => sample.name === `${name}_count`)?.value;
    if (buckets.at(-1)?.labels.le !== '+Inf' || buckets.at(-1)?.value !== count)
      throw new Error(`${name}: the last bucket is not the count`);
    for (const [i, { value }] of buckets.entries())
      if (i > 0 && value < (buckets[i - 1] as Sample).value) throw new Error(`${name}: buckets fall`);
  }
}

/** The value of the one sample with these labels, among others; null: there is none. */
export function valueIn(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Record<string, string> = {},
): number | null {
  const family = [...families].find(([known]) => name === known || name.startsWith(`${known}_`))?.[1];
  const fitting = family?.samples.filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  if (fitting && fitting.length > 1) throw new Error(`${name}: several samples`);
  return fitting?.[0]?.value ?? null;
}
