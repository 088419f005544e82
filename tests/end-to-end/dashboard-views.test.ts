import type { Timeline } from '@berth/contract';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TestDaemon } from '../support/daemon.js';
import { Dashboard } from '../support/dashboard.js';

let daemon: TestDaemon;
let dashboard: Dashboard;
let page: Page;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
  dashboard = await Dashboard.launch(daemon);
});
afterAll(async () => {
  await dashboard?.close();
  await daemon.destroy();
});
beforeEach(async () => {
  page = await dashboard.newPage();
});
afterEach(() => dashboard.closePage());

async function get<T>(path: string): Promise<T> {
  return (await (await daemon.request(path)).json()) as T;
}

/** The rows of a table, by the names of its columns. */
async function rows(name: string): Promise<Record<string, string>[]> {
  const table = page.getByRole('region', { name }).getByRole('table');
  const heads = await table.locator('thead th').allInnerTexts();
  const found = await table.locator('tbody tr').all();
  return Promise.all(
    found.map(async (row) => {
      const cells = await row.locator('th, td').allInnerTexts();
      return Object.fromEntries(heads.map((head, i) => [head, cells[i] ?? '']));
    }),
  );
}

describe('the timeline', () => {
  it('shows who had, has and will have each device, as the API does', async () => {
    const over = await daemon.shell('exit 0', { name: 'quick', user: 'ada', devices: '0' });
    const failed = await daemon.shell('exit 3', { name: 'broken', user: 'bob', devices: '1' });
    for (const each of [over, failed]) await daemon.ended(each);
    const running = await daemon.shell('sleep 60', { name: 'long', gpus: 2, timeLimit: 600 });
    await daemon.until(running, 'running');
    const waiting = await daemon.shell('true', { name: '<b>next</b>', devices: '1', timeLimit: 600 });
    await dashboard.openWhole('/timeline');
    const bars = page.locator('.timeline .bars').nth(2).locator('a');
    await expect.poll(() => bars.count()).toBe(4);
    // Of device 1: what failed, what runs and may run on, and what is planned behind it.
    expect(await bars.evaluateAll((all) => all.map((each) => each.className).sort())).toEqual([
      'stay failed',
      'stay latest',
      'stay planned',
      'stay running',
    ]);
    await page.getByText('1 of 1 waiting jobs have their place here.', { exact: false }).waitFor();

    await page.getByText('The same as a table').click();
    const { stays, planned } = await get<Timeline>('/v1/timeline?since=6h');
    const shown = await rows('Who had, has and will have devices');
    expect(shown.map(({ Job, Name, User }) => [Job, Name, User])).toEqual(
      [...planned, ...stays].map(({ number, name, user }) => [String(number), name, user]),
    );
    expect(shown.map(({ Devices }) => Devices)).toEqual(['1', '0, 1', '1', '0']);
    expect(shown[0]?.Name).toBe('<b>next</b>');
    expect(shown[2]?.Until).toMatch(/\(exit code\)$/);

    await page.getByRole('radio', { name: '24h' }).check();
    await expect.poll(() => page.url()).toContain('window=24h');
    expect(await dashboard.barriers()).toEqual([]);
    for (const each of [waiting, running]) await daemon.cancel(each);
    await daemon.ended(running);
  });
});
