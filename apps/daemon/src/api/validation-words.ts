import { z } from 'zod';

type RawIssue = z.core.$ZodRawIssue;

const KINDS: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a text',
};
const UNITS: Readonly<Record<string, string>> = { string: 'characters', array: 'items' };
const FORMATS: Readonly<Record<string, string>> = {
  datetime: 'expected a time such as 2026-11-21T02:00:00Z',
  url: 'expected a URL such as https://example.org/hook',
};
const english = z.locales.en().localeError;

/** What is wrong with a value, for people who know the API and not its validator. Schemas with words of their own go before it. */
export function wordsFor(issue: RawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue);
    case 'invalid_value':
      return `expected ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'too_big':
      return `must be ${issue.inclusive ? 'at most' : 'less than'} ${amount(issue.maximum, issue.origin)}`;
    case 'too_small':
      return `must be ${issue.inclusive ? 'at least' : 'more than'} ${amount(issue.minimum, issue.origin)}`;
    case 'invalid_union': {
      const ways = new Set(issue.errors.flatMap((issues) => issues.map(({ message }) => message)));
      return [...ways].join('; or ') || 'is nothing that is taken here';
    }
    case 'invalid_format':
      return FORMATS[issue.format] ?? String(english(issue));
    default:
      return String(english(issue));
  }
}

function wrongType({ expected, input }: Extract<RawIssue, { code: 'invalid_type' }>): string {
  const wanted = KINDS[expected] ?? expected;
  if (input === undefined) return `is missing: expected ${wanted}`;
  const kind = z.core.util.parsedType(input);
  // What was no number before somebody tried to make one of it.
  if (kind === 'nan') return `expected ${wanted}`;
  return `expected ${wanted}, not ${kind === 'number' ? String(input) : (KINDS[kind] ?? kind)}`;
}

function amount(limit: number | bigint, origin: string): string {
  return `${limit}${origin in UNITS ? ` ${UNITS[origin]}` : ''}`;
}
