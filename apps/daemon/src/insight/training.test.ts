import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Curve } from './curve.js';
import { readLine, readReport } from './formats.js';
import { Training } from './training.js';

function trained(...lines: string[]): Training {
  const training = new Training();
  for (const line of lines) {
    const seen = line.startsWith('report ') ? readReport(line.slice(7)) : readLine(line);
    if (seen) training.take(seen);
  }
  return training;
}
const curveOf = (training: Training, name: string): [number, number | null][] =>
  training.series([name], 1000)[0]?.points.map(({ x, last }) => [x, last]) ?? [];

describe('a training', () => {
  it('has curves by step, or by epoch where nothing else is said', () => {
    expect(curveOf(trained('Epoch 1, Loss: 3', 'Epoch 2, Loss: 2'), 'loss')).toEqual([
      [1, 3],
      [2, 2],
    ]);
    expect(curveOf(trained('Step 10, Loss: 3', 'Step 20, Loss: 2'), 'loss')).toEqual([
      [10, 3],
      [20, 2],
    ]);
  });

  it('goes on counting where steps begin anew with each epoch', () => {
    const lines = [
      '[Epoch 1/2] Step 100/200, Loss: 4',
      '[Epoch 1/2] Step 200/200, Loss: 3',
      '[Epoch 2/2] Step 100/200, Loss: 2',
    ];
    expect(curveOf(trained(...lines), 'loss')).toEqual([
      [100, 4],
      [200, 3],
      [300, 2],
    ]);
    const bars = [
      'Epoch 0:  50%|█| 5/10 [0:1<0:1, 1it/s, loss=4]',
      'Epoch 1:  50%|█| 5/10 [0:1<0:1, 1it/s, loss=2]',
      'Epoch 1: 100%|█| 10/10 [0:1<0:1, 1it/s, loss=1]',
    ];
    expect(curveOf(trained(...bars), 'loss').map(([, loss]) => loss)).toEqual([4, 2, 1]);
  });

  it('tells how far it is', () => {
    const fractionOf = (...lines: string[]) => trained(...lines).progress?.fraction;
    expect(fractionOf('Epoch [5/20], Loss: 1')).toBe(0.25);
    expect(fractionOf('Epoch [1/4], Step [50/100], Loss: 1')).toBe(0.125);
    expect(
      fractionOf('Epoch 1/4', '50/100 [==] - 1s - loss: 1', 'Epoch 3/4', '50/100 [==] - 1s - loss: 1'),
    ).toBe(0.625);
    expect(fractionOf(' 45%|█| 450/1000 [00:12<00:15, 36.2it/s]')).toBe(0.45);
    expect(fractionOf('Epoch 3, Loss: 1')).toBeUndefined();
    expect(fractionOf('Epoch [6/10], Step [50/100], Loss: 1')).toBe(0.55);
    expect(fractionOf('report {"step": 3, "total": 4}', ' 10%|█| 1/10 [0:1<0:1, 1it/s]')).toBe(0.75);
  });

  it('believes the better source, whichever came first', () => {
    const both = [
      'Epoch 1, Loss: 9',
      'report {"step": 1, "loss": 1}',
      'Epoch 2, Loss: 8',
      'report {"step": 2, "loss": 0.5}',
    ];
    expect(trained(...both).series(null, 10)).toMatchObject([
      { name: 'loss', source: 'report', last: 0.5, count: 2 },
    ]);
  });

  it('says where a loss was first no number', () => {
    const [loss] = trained('Epoch 1, Loss: 1', 'Epoch 2, Loss: nan', 'Epoch 3, Loss: inf').series(null, 10);
    expect(loss).toMatchObject({ brokenAt: 2, last: null });
  });

  it('does not know how far it is where it goes on beyond its end, or tells nobody how many epochs there are', () => {
    const progressOf = (...lines: string[]) => trained(...lines).progress;
    expect(progressOf('report {"step": 3, "total": 3}', 'report {"step": 6, "total": 3}')).toBeNull();
    expect(progressOf('Epoch [12/10], Loss: 1')).toBeNull();
    expect(progressOf('Epoch 1', 'loss: 2.303521  [   64/60000]')).toBeNull();
  });

  it('passes over a step that no training reaches', () => {
    const training = trained(
      'report {"step": 1, "loss": 3}',
      'report {"step": 1e300, "loss": 9}',
      'report {"step": 2, "loss": 2}',
    );
    expect(curveOf(training, 'loss')).toEqual([
      [1, 3],
      [2, 2],
    ]);
  });

  it('has what its validation says where it was by then', () => {
    const training = trained('Step 100, Loss: 3', 'Validation step 5, Loss: 9', 'Step 200, Loss: 2');
    expect(curveOf(training, 'loss')).toEqual([
      [100, 3],
      [200, 2],
    ]);
    expect(curveOf(training, 'val_loss')).toEqual([[100, 9]]);
  });

  it('keeps no more than 64 names, and counts the others', () => {
    const said = (round: number) =>
      Array.from({ length: 100 }, (_, i) => `report {"step": ${round}, "m${i}": ${i}}`);
    const training = trained(...said(1), ...said(2));
    expect(training.series(null, 1)).toHaveLength(64);
    expect(training.droppedSeries).toBe(36);
    expect(new Training(training.state()).droppedSeries).toBe(36);
    const many = trained(...Array.from({ length: 2000 }, (_, i) => `report {"step": 1, "m${i}": ${i}}`));
    expect(many.droppedSeries).toBe(1000);
  });
});

describe('what a program really wrote, to a file', () => {
  const recorded = (name: string): Training => {
    const text = readFileSync(new URL(`recordings/${name}`, import.meta.url), 'utf8');
    return trained(...text.split(/[\r\n]/));
  };

  it('through tqdm 4.70 is read to its end', () => {
    const training = recorded('tqdm.txt');
    const [progress, series] = [training.progress, training.series(null, 1000)];
    expect(progress).toMatchObject({ fraction: 1, done: 2, total: 2, unit: 'epochs', source: 'bar' });
    expect(series.map(({ name, last }) => [name, last])).toEqual([
      ['acc', 0.95],
      ['loss', 0.05],
    ]);
    expect(series[1]?.points.at(-1)?.x).toBe(40);
  });

  it.each([
    ['PyTorch’s quickstart', 'quickstart', [['loss', 30, 1.283965, 'step']], 177_664],
    ['PyTorch’s classifier tutorial', 'classifier', [['loss', 6, 1.076, 'step']], 12_000],
    [
      'PyTorch’s ImageNet example',
      'imagenet',
      [
        ['loss', 22, 3.8012, 'step'],
        ['acc@1', 22, 2.73, 'step'],
        ['acc@5', 22, 21.09, 'step'],
        ['val_loss', 6, 3.7169, 'step'],
        ['val_acc@1', 6, 6.25, 'step'],
        ['val_acc@5', 6, 26.95, 'step'],
      ],
      206,
    ],
    [
      'PyTorch’s language model',
      'language-model',
      [
        ['lr', 6, 20, 'step'],
        ['loss', 6, 3.39, 'step'],
        ['ppl', 6, 29.6, 'step'],
        ['valid_loss', 2, 3.26, 'epoch'],
        ['valid_ppl', 2, 25.94, 'epoch'],
      ],
      1300,
    ],
  ])('through the loop of %s is a curve that goes on with each epoch', (_, name, expected, reached) => {
    const training = recorded(`pytorch-${name}.txt`);
    const series = training.series(null, 1000);
    expect(series.map(({ name, count, last, axis }) => [name, count, last, axis])).toEqual(expected);
    const steps = curveOf(training, 'loss').map(([x]) => x);
    expect(steps).toEqual([...new Set(steps)].toSorted((a, b) => a - b));
    expect(steps.at(-1)).toBe(reached);
    // None of them says how many epochs there are.
    expect(training.progress).toBeNull();
  });

  it('through the bar of Keras 3 is read to its end', () => {
    const training = recorded('keras-3.txt');
    const [progress, series] = [training.progress, training.series(null, 1000)];
    expect(progress).toMatchObject({ fraction: 1, done: 3, total: 3, unit: 'epochs', source: 'bar' });
    expect(series.map(({ name, last }) => [name, last])).toEqual([
      ['loss', 0.8599],
      ['accuracy', 0.5125],
      ['val_loss', 0.775],
    ]);
    expect(series[0]?.points.at(-1)?.x).toBe(120);
    // Each drawing of the bar, though it ends in as many backspaces.
    expect(series[1]?.count).toBe(series[0]?.count);
  });

  it('through bars of tqdm within each other goes on steadily', () => {
    const lines = readFileSync(new URL('recordings/tqdm-within-tqdm.txt', import.meta.url), 'utf8').split(
      /[\r\n]/,
    );
    const reached = lines.map((_, i) => trained(...lines.slice(0, i + 1)).progress);
    const fractions = reached.flatMap((progress) => progress?.fraction ?? []);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(reached).toContainEqual(expect.objectContaining({ done: 1.4, total: 3, unit: 'steps' }));
    expect(reached.at(-1)).toMatchObject({ fraction: 1, done: 3, total: 3 });
    expect(curveOf(trained(...lines), 'loss').at(-1)).toEqual([30, 0.0333]);
  });

  it('through Lightning 2.6 (its TQDMProgressBar) goes on counting with each epoch', () => {
    const series = recorded('lightning-2.txt').series(null, 1000);
    expect(series.map(({ name, last }) => [name, last])).toEqual([
      ['train_loss_step', 0.354],
      ['val_loss', 0.319],
      ['train_loss_epoch', 0.824],
    ]);
    const steps = series[0]?.points.map(({ x }) => x) ?? [];
    expect([...new Set(steps)]).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
  });

  it("through Hugging Face's Trainer 5 is read to its end, whose evaluations are no progress", () => {
    const training = recorded('hugging-face-5.txt');
    expect(training.progress).toMatchObject({ fraction: 1, done: 48, total: 48, unit: 'steps' });
    const lasts = training.series(['loss', 'eval_loss', 'learning_rate'], 1000);
    expect(lasts.map(({ name, axis, count, last }) => [name, axis, count, last])).toEqual([
      ['loss', 'epoch', 12, 0.07631],
      ['learning_rate', 'epoch', 12, 0.001042],
      ['eval_loss', 'epoch', 3, 0.08081],
    ]);
    const below = trained(' 33%|█| 32/96 [0:1<0:1, 9it/s]', ' 50%|█| 8/16 [0:1<0:1, 9it/s]\u001b[A');
    expect(below.progress).toMatchObject({ done: 32.5, total: 96 });
  });
});

describe('a curve', () => {
  it('keeps its bounds, its extremes and its end, whatever is put into it', () => {
    const curve = new Curve();
    for (let x = 0; x < 1_000_000; x += 1)
      curve.add(x, x === 123_456 ? 1e9 : x === 654_321 ? -1e9 : Math.sin(x));
    const points = curve.read(500);
    expect(points.length).toBeLessThanOrEqual(500);
    expect(points.length).toBeGreaterThan(200);
    expect(Math.max(...points.map(({ max }) => max as number))).toBe(1e9);
    expect(Math.min(...points.map(({ min }) => min as number))).toBe(-1e9);
    expect(points.at(-1)).toMatchObject({ x: 999_999, last: Math.sin(999_999) });
    expect(curve.count).toBe(1_000_000);
    expect(curve.read(1e9).length).toBeLessThanOrEqual(1025);
  });

  it('is read from a time on, as far as times are known', () => {
    const curve = new Curve();
    for (const [x, at] of [
      [1, 1000],
      [2, null],
      [3, 3000],
    ] as const)
      curve.add(x, x, at);
    expect(curve.read(10, 2000).map(({ x }) => x)).toEqual([2, 3]);
  });
});
