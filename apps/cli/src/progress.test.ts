import { expect, it } from 'vitest';
import { Progress } from './progress.js';

it('reads how far a job is from what training loops print', () => {
  const progress = new Progress();
  progress.feed('loading\nEpoch [1/10], Loss: 0.9\n', 0);
  expect(progress.line(0, 80)).toBe('██░░░░░░░░░░░░░░░░░░ 10 %  epoch 1/10  loss 0.9');
  progress.feed('Epoch [5/10], Lo', 40_000);
  expect(progress.line(40_000, 80)).toBeNull();
  progress.feed('ss: 1e-3\n', 40_000);
  expect(progress.line(40_000, 80)).toMatch(/50 % {2}epoch 5\/10 {2}loss 1e-3 {2}about 50s left$/);
  expect(progress.line(40_000, 30)).toHaveLength(29);
});

it('shows nothing where the output says nothing, or draws a bar itself', () => {
  const silent = new Progress();
  silent.feed('step one of many\nepoch 7/0\nstep 9/3\n', 0);
  expect(silent.line(0, 80)).toBeNull();
  const drawing = new Progress();
  drawing.feed('epoch 1/10\n', 0);
  drawing.feed(' 10%|█         | 1/10 [00:01<00:09]\r', 0);
  drawing.feed('\n', 0);
  expect(drawing.line(0, 80)).toBeNull();
});
