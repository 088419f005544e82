import type { Progress, Series } from '@berth/contract';
import { expect, it } from 'vitest';
import { progressLine } from './progress.js';

const progress: Progress = {
  fraction: 0.5,
  done: 5,
  total: 10,
  unit: 'epochs',
  etaSeconds: 50,
  source: 'print',
};
const loss: Series = {
  name: 'loss',
  source: 'print',
  axis: 'epoch',
  count: 5,
  last: 0.123456,
  brokenAt: null,
  points: [],
};

it('says how far a job is, and fits the line', () => {
  const whole = '██████████░░░░░░░░░░ 50 %  5/10 epochs  loss 0.1235  about 50s left';
  expect(progressLine({ progress, series: [loss] }, 80)).toBe(whole);
  expect(progressLine({ progress, series: [loss] }, 30)).toBe(`${whole.slice(0, 28)}…`);
  expect(
    progressLine({ progress: { ...progress, fraction: 1 }, series: [{ ...loss, last: null }] }, 80),
  ).toBe(`${'█'.repeat(20)} 100 %  5/10 epochs`);
});

it('says nothing where the output says nothing', () => {
  expect(progressLine({ progress: null, series: [loss] }, 80)).toBeNull();
});
