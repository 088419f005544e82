import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SharedAnswers } from './shared-answers.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('gives one answer to all who ask the same at about the same time, and makes a failed one anew', async () => {
  const answers = new SharedAnswers(20);
  let made = 0;
  const make = async () => String(++made);
  expect(await Promise.all(['a', 'a', 'b'].map((question) => answers.of(question, make)))).toEqual([
    '1',
    '1',
    '2',
  ]);
  vi.advanceTimersByTime(40);
  expect(await answers.of('a', make)).toBe('3');
  await expect(answers.of('c', () => Promise.reject(new Error('no Redis')))).rejects.toThrow('no Redis');
  expect(await answers.of('c', make)).toBe('4');
});
