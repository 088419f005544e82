import type { PageOptions } from '@berth/client';
import type { JobState } from '@berth/contract';

/** Which jobs are asked for, as the search field and the choice of states have it. */
export interface JobSearch {
  words: string;
  /** A state, `any`, or empty: those that run and wait. */
  state: string;
}

/** The states of jobs that have devices. */
export const HOLDING: readonly JobState[] = ['starting', 'running', 'stopping'];
const FIELD = /^(user|label|device|since):(.+)$/;

/**
 * What the daemon is asked for: `user:ada label:team=nlp device:3 since:1d`, and what else there is, somewhere in the name.
 * @returns null: nothing is searched for
 */
export function filtersOf({ words, state }: JobSearch): PageOptions | null {
  if (state === '' && words.trim() === '') return null;
  const filters: PageOptions = {};
  const label: string[] = [];
  const name: string[] = [];
  for (const word of words.split(/\s+/).filter(Boolean)) {
    const [, field, value] = FIELD.exec(word) ?? [];
    if (field === undefined) name.push(word);
    else if (field === 'label') label.push(value as string);
    else filters[field as 'user' | 'device' | 'since'] = value;
  }
  if (name.length > 0) filters.name = name.join(' ');
  if (label.length > 0) filters.label = label;
  if (state !== 'any') filters.state = state === '' ? ['pending', ...HOLDING] : (state as JobState);
  return filters;
}

/** The number that is searched for, if it is nothing but one. */
export function numberIn({ words }: JobSearch): number | null {
  const [digits] = /^[1-9]\d{0,14}$/.exec(words.trim()) ?? [];
  return digits === undefined ? null : Number(digits);
}
