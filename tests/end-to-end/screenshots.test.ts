import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeSimulation } from '../../packages/cuda-core/dist/index.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { Dashboard } from '../support/dashboard.js';

/** Where pictures of the screens go; without it none are made. See `npm run screenshots`. */
const FOLDER = process.env.BERTH_SCREENSHOTS ?? '';
const EXAMPLES = new URL('../../examples/', import.meta.url).pathname;
const GIB = 2 ** 30;
const LINES = 30;

let daemon: TestDaemon;
let dashboard: Dashboard;

describe.skipIf(FOLDER === '')('pictures of the screens', () => {
  beforeAll(async () => {
    mkdirSync(FOLDER, { recursive: true });
    daemon = await TestDaemon.start('8xH100-80GB');
    dashboard = await Dashboard.launch(daemon);
  });
  afterAll(async () => {
    await dashboard?.close();
    await daemon.destroy();
  });

  it('show a lab at work', async () => {
    const numbers = await scene();
    for (const [name, path] of [
      ['devices', '/'],
      ['jobs', '/jobs'],
      ['job', `/jobs/${numbers.training}`],
      ['failed', `/jobs/${numbers.failed}`],
      ['waiting', `/jobs/${numbers.waiting}`],
      ['timeline', '/timeline?window=1h'],
      ['submit', '/submit'],
      ['usage', '/usage'],
    ] as const)
      await picture(name, path, 'light');
    await picture('devices-dark', '/', 'dark');
    await picture('devices-phone', '/', 'light', 390);
  }, 300_000);
});

/** Trains, shares, fails, waits: something of everything. @returns the numbers of the jobs to look at */
async function scene(): Promise<Record<'training' | 'failed' | 'waiting', number>> {
  const example = (name: string, args: string[], more: object) =>
    daemon.submit({
      command: ['/usr/bin/python3', `${EXAMPLES}${name}`, ...args],
      workingDirectory: '/',
      ...more,
    });
  const hold = (gib: number, more: object) => example('hold_memory.py', [String(gib), '3600'], more);
  const failed = await example('oom.py', [], {
    name: 'vit-large',
    user: 'bob',
    devices: '2',
    timeLimit: '4h',
  });
  await daemon.ended(failed);
  await daemon.ended(await daemon.shell('exit 0', { name: 'prepare', user: 'ada', gpus: 2 }));
  await hold(61, { devices: '0', user: 'ada', name: 'llama-finetune', timeLimit: '4h' });
  await hold(8, { devices: '1', user: 'bob', name: 'embed', sharing: { memory: '20GiB' }, timeLimit: '1h' });
  await hold(12, { devices: '1', user: 'cyd', name: 'eval', sharing: { memory: '16GiB' } });
  const training = await example('mlp.py', ['--epochs', '20000'], {
    ...{ devices: '2', user: 'ada', name: 'spirals', timeLimit: '2h' },
  });
  await daemon.shell('for i in 1 2 3; do echo "rank $RANK of $WORLD_SIZE"; sleep 1; done; sleep 3600', {
    ...{ devices: '3,4', gpus: 2, launch: 'perDevice', user: 'dan', name: 'ddp-bert', timeLimit: '45m' },
  });
  const state = join(daemon.dataDirectory, 'simulation.state');
  changeSimulation(state, { device: 5, process: { pid: process.pid, memoryBytes: 40 * GIB } });
  for (const device of [0, 1, 2, 3, 4]) {
    changeSimulation(state, {
      device,
      utilisationPercent: 40 + 10 * device,
      temperatureCelsius: 55 + 4 * device,
      powerMilliwatts: (300 + 60 * device) * 1000,
    });
  }
  await daemon.post('/v1/devices/6/drain', { reason: 'a new fan, back on Monday' });
  await hold(3, { devices: '7', user: 'cyd', name: 'notebook', timeLimit: '30m' });
  const waiting = await daemon.shell('true', { name: 'gang-of-four', gpus: 4, user: 'cyd', timeLimit: '1h' });
  for (const seed of [1, 2, 3])
    await daemon.shell('true', { name: `sweep-${seed}`, user: 'bob', timeLimit: '20m', priority: -seed });
  await daemon.shell('true', { name: 'held-one', user: 'dan', hold: true });
  // As much of the real training as makes a curve worth looking at.
  await eventually(
    async () => (await daemon.logs(training)).split('\n').length,
    (lines) => lines > LINES,
  );
  return { training: training.number, failed: failed.number, waiting: waiting.number };
}

async function picture(
  name: string,
  path: string,
  colorScheme: 'light' | 'dark',
  width = 1280,
): Promise<void> {
  const page = await dashboard.newPage();
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.setViewportSize({ width, height: width < 500 ? 844 : 860 });
  await dashboard.openWhole(path);
  if (name === 'submit') {
    await page.getByLabel('Command').fill('python3 train.py --lr 0.1');
    await page.getByLabel('GPUs').fill('2');
    await page.getByText('The same by hand').waitFor();
  }
  if (name === 'job') await page.locator('canvas').first().waitFor();
  await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
  expect(await dashboard.overhang()).toBe(0);
  await dashboard.closePage();
}
