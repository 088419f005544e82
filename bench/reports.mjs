import { appendFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataDirectory } from '../apps/daemon/dist/data-directory.js';
import { Insights } from '../apps/daemon/dist/insight/insights.js';

const LINES = 1_000_000;
/** As many as a job writes between two looks, at 1,000 a second. */
const BETWEEN = 30_000;
const MOST_BYTES = 8 * 2 ** 20;
const WEEK_SECONDS = 7 * 86_400;

/** A job that reports 1,000 times a second, in fast motion: what the daemon pays for it, and what is left on the disk. */
export async function reports() {
  const directories = dataDirectory(mkdtempSync(join(tmpdir(), 'berth-reports-')));
  const task = { job: 'job_1', attempt: 1, rank: 0 };
  const folder = directories.task(task.job, 1, 0);
  const file = join(folder, 'metrics.jsonl');
  mkdirSync(folder, { recursive: true });
  try {
    const insights = new Insights(directories);
    globalThis.gc?.();
    const heap = process.memoryUsage().heapUsed;
    let [cpu, most] = [0, 0];
    for (let step = 0; step < LINES; step += BETWEEN) {
      appendFileSync(file, linesFrom(step, Math.min(BETWEEN, LINES - step)));
      most = Math.max(most, statSync(file).blocks * 512);
      const before = process.cpuUsage();
      await insights.attend([task], MOST_BYTES);
      const { user, system } = process.cpuUsage(before);
      cpu += user + system;
    }
    const training = await insights.of(task, true);
    const series = training.series(null, 500);
    if (series.some(({ count }) => count !== LINES)) throw new Error('reports were lost');
    globalThis.gc?.();
    return {
      scenario: 'reports',
      lines: LINES,
      'us a line': cpu / LINES,
      'share of a core @1000/s': (cpu / LINES) * 1e-3,
      'MB on disk at most': most / 1e6,
      'MB of a week uncut': (statSync(file).size / LINES) * 1e-3 * WEEK_SECONDS,
      'kB kept of it': statSync(join(folder, 'insight.json')).size / 1e3,
      ...(globalThis.gc ? { 'MB of heap': (process.memoryUsage().heapUsed - heap) / 1e6 } : {}),
    };
  } finally {
    rmSync(directories.root, { recursive: true });
  }
}

function linesFrom(step, count) {
  let text = '';
  for (let i = step; i < step + count; i += 1)
    text += `{"step": ${i}, "total": 604800000, "loss": ${Math.exp(-i / LINES)}, "accuracy": ${1 - 1 / (i + 2)}}\n`;
  return text;
}
