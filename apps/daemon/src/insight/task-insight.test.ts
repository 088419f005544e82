import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { dataDirectory } from '../data-directory.js';
import { Insights } from './insights.js';
import type { FoundFile } from './open-event-files.js';
import { reportsIn, TaskInsight } from './task-insight.js';

const directories = dataDirectory(mkdtempSync(join(tmpdir(), 'berth-insight-')));
afterAll(() => rmSync(directories.root, { recursive: true }));

let number = 0;
/** A task that has reported nothing yet. */
function newTask() {
  const task = { job: `job_${++number}`, attempt: 1, rank: 0 } as const;
  const directory = directories.task(task.job, 1, 0);
  mkdirSync(directory, { recursive: true });
  return { task, directory, file: reportsIn(directory) };
}
/** As many reports, from a step on. */
const reports = (from: number, count: number): string =>
  Array.from({ length: count }, (_, i) => `{"step": ${from + i}, "loss": ${Math.sin(from + i)}}\n`).join('');

describe('what a task reports', () => {
  it('takes little of the disk once it is taken in, and is all there for the next daemon', async () => {
    const { task, file } = newTask();
    writeFileSync(file, reports(1, 15_000));
    appendFileSync(file, '{"step": 15001, "los');
    const [before, first] = [statSync(file), new Insights(directories)];
    await first.attend([task], 2 ** 30);
    expect(statSync(file).blocks).toBe(before.blocks);
    await first.attend([task], 2 ** 18);
    expect(statSync(file).size).toBe(before.size);
    expect(statSync(file).blocks).toBeLessThan(before.blocks / 20);
    appendFileSync(file, 's": 7}\n');

    const whole = newTask();
    writeFileSync(whole.file, `${reports(1, 15_000)}{"step": 15001, "loss": 7}\n`);
    const wanted = (await first.of(whole.task, true)).series(null, 1e9);
    const plain = (series: typeof wanted) =>
      series.map(({ points, ...rest }) => ({ ...rest, points: points.map(({ at: _, ...point }) => point) }));
    expect(plain((await first.of(task, true)).series(null, 1e9))).toEqual(plain(wanted));
    expect(plain((await new Insights(directories).of(task, true)).series(null, 1e9))).toEqual(plain(wanted));
    expect(wanted[0]).toMatchObject({ count: 15_001, last: 7 });
  });

  it('may go on meanwhile, again and again', async () => {
    const { task, file } = newTask();
    const insights = new Insights(directories);
    for (let round = 0; round < 5; round += 1) {
      appendFileSync(file, reports(1 + round * 4000, 4000));
      await Promise.all([insights.attend([task], 2 ** 17), insights.of(task, false)]);
      expect(statSync(file).blocks * 512).toBeLessThan(2 ** 17);
    }
    const [loss] = (await new Insights(directories).of(task, false)).series(['loss'], 10);
    expect(loss).toMatchObject({ count: 20_000, last: Math.sin(20_000) });
    expect(readFileSync(join(directories.task(task.job, 1, 0), 'insight.json')).length).toBeLessThan(2 ** 17);
  });

  it('may be nonsense: nothing of it is kept, and what follows is read', async () => {
    const { task, file } = newTask();
    const long = `{"step": 1, "${'x'.repeat(10 * 2 ** 20)}": 1}`;
    const control = '{"step": 2, "\\u001b[31mloss\\u0000": 3}';
    const lines = [
      long,
      control,
      '\u0000'.repeat(100_000),
      '{"step": 1e999, "loss": 1}',
      '{"step": 3, "loss": -Infinity}',
    ];
    writeFileSync(file, `${lines.join('\n')}\n{"step": 4, "loss": 0.5}\n`);
    const training = await new Insights(directories).of(task, false);
    const loss = training.series(null, 10).find(({ name }) => name === 'loss');
    expect(loss).toMatchObject({ last: 0.5, brokenAt: 3 });
    expect(training.series(null, 10).map(({ name }) => name)).toEqual(['[31mloss', 'loss']);
  });
});

describe('an event file that a task has open', () => {
  const recording = new URL('recordings/events.out.tfevents', import.meta.url);
  /** A file of one run, as it is found open. */
  const found = (directory: string, run: string): FoundFile => {
    const path = join(directory, run, 'events.out.tfevents.1.host');
    mkdirSync(join(directory, run));
    cpSync(recording, path);
    const { dev, ino } = statSync(path);
    return { path, device: dev, inode: ino };
  };
  const namesIn = (insight: TaskInsight) => insight.training.series(null, 1).map(({ name }) => name);

  it('has names of its own where another folder has the first', async () => {
    const { directory } = newTask();
    const insight = new TaskInsight(directory);
    await insight.note([found(directory, 'train')]);
    await insight.note([found(directory, 'validation')]);
    await insight.catchUp(false);
    expect(namesIn(insight)).toContain('loss/train');
    expect(namesIn(insight)).toContain('validation/loss/train');
    expect(namesIn(insight)).toHaveLength(8);
  });

  it('is not read where its path leads to another file now', async () => {
    const { directory } = newTask();
    const file = found(directory, 'run');
    const insight = new TaskInsight(directory);
    await insight.note([file]);
    renameSync(file.path, `${file.path}.old`);
    cpSync(recording, file.path);
    await insight.catchUp(false);
    expect(namesIn(insight)).toEqual([]);
    rmSync(file.path);
    symlinkSync(`${file.path}.old`, file.path);
    await insight.catchUp(false);
    expect(namesIn(insight)).toEqual([]);
  });
});
