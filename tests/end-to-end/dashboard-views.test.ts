import { execFileSync } from 'node:child_process';
import type { Job, NewToken, Role, Timeline, Usage } from '@berth/contract';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { eventually, type TestDaemon } from '../support/daemon.js';
import { type Dashboard, useDashboard } from '../support/dashboard.js';

const BERTH = new URL('../../apps/cli/bin/berth.js', import.meta.url).pathname;

let daemon: TestDaemon;
let dashboard: Dashboard;
let page: Page;
useDashboard('2xH100-80GB', (made) => {
  ({ daemon, page } = made);
  dashboard = made;
});

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

    // Half a day ago there was nobody; by key, and back by button.
    await page.keyboard.press('h');
    await expect.poll(() => bars.count()).toBe(0);
    expect(await page.getByText('waiting jobs have their place').count()).toBe(0);
    const ago = Date.now() - Date.parse(new URL(page.url()).searchParams.get('until') ?? '');
    expect(ago / 3_600_000).toBeCloseTo(12, 1);
    await page.reload();
    await page.locator('.timeline').waitFor();
    expect(await bars.count()).toBe(0);
    await page.getByRole('button', { name: 'Now' }).click();
    await expect.poll(() => bars.count()).toBe(4);

    // Dragged over, a part is seen closer: of the day and what is shown of the plan, four tenths.
    const { x, y, width } = (await page.locator('.timeline .bars').nth(2).boundingBox()) as {
      x: number;
      y: number;
      width: number;
    };
    await page.mouse.move(x + 0.1 * width, y + 12);
    await page.mouse.down();
    await page.mouse.move(x + 0.5 * width, y + 12, { steps: 4 });
    await page.locator('.chosen').first().waitFor();
    await page.mouse.up();
    await expect.poll(() => page.url()).toContain('until=');
    const seconds = Number.parseInt(new URL(page.url()).searchParams.get('window') ?? '', 10);
    expect(seconds / (26.4 * 3600)).toBeCloseTo(0.4, 2);

    await page.getByRole('radio', { name: '1h' }).check();
    await page.getByRole('button', { name: 'Later' }).click();
    await page.getByRole('button', { name: 'Now' }).click();
    await page.locator('.timeline a.latest').last().click();
    await page.getByRole('heading', { name: `Job ${running.number}` }).waitFor();
    for (const each of [waiting, running]) await daemon.cancel(each);
    await daemon.ended(running);
  });
});

describe('the usage', () => {
  it('is that of users, devices and jobs, with what lay idle, as the API has it', async () => {
    const job = await daemon.shell('sleep 60', { name: 'sleeper', user: 'eve', gpus: 2 });
    await daemon.until(job, 'running');
    // What was seen of the devices is written down at the latest when the daemon ends.
    const watched = (usage: Usage): number =>
      usage.jobs.find(({ number }) => number === job.number)?.watchedGpuSeconds ?? 0;
    await eventually(
      async () => (await daemon.devices()).map(({ sample }) => Date.parse(sample?.takenAt ?? '')),
      (taken) => taken.every((at) => at > Date.parse(job.submittedAt) + 3000),
    );
    await daemon.stop();
    await daemon.start();
    await daemon.cancel(job);
    await daemon.ended(job);
    const usage = await eventually(
      () => get<Usage>('/v1/usage?jobs=50'),
      ({ users }) => users.every(({ gpus }) => gpus === 0),
    );
    expect(watched(usage)).toBeGreaterThan(0);

    await dashboard.openWhole('/usage');
    const idle = ({ idleGpuSeconds, watchedGpuSeconds }: Usage['jobs'][number] | Usage['users'][number]) =>
      watchedGpuSeconds === 0
        ? '–'
        : `${Math.round((100 * idleGpuSeconds) / watchedGpuSeconds)} %, ${(idleGpuSeconds / 3600).toFixed(2)} h`;
    const cells = (shown: Record<string, string>[], ...names: string[]) =>
      shown.map((row) => names.map((name) => row[name]?.trim()));
    expect(cells(await rows('Usage by user'), 'User', 'Idle', 'Weight', 'In line')).toEqual(
      usage.users.map((user) => [user.user, idle(user), String(user.weight), String(user.pendingJobs)]),
    );
    expect(cells(await rows('Usage by device'), 'Device', 'GPU-hours')).toEqual(
      usage.devices.map(({ index, gpuSeconds }) => [String(index), (gpuSeconds / 3600).toFixed(2)]),
    );
    const jobs = page.getByRole('region', { name: 'Usage by job' });
    expect(await jobs.getByRole('row').count()).toBe(usage.jobs.length + 1);
    expect(cells(await rows('Usage by job: the 50 largest'), 'Name', 'User', 'Idle')).toEqual(
      usage.jobs.map((each) => [each.name, each.user, idle(each)]),
    );
    expect(await dashboard.barriers()).toEqual([]);
  });
});

describe('the form', () => {
  it('has all that a job may say, and its command line and request do the same', async () => {
    await dashboard.openWhole('/submit');
    await page.getByRole('textbox', { name: 'Command' }).fill('a.py && b.py');
    await page.getByText('No shell reads this: && goes to the program as it is').waitFor();
    await page.getByRole('button', { name: 'Make it a script' }).click();
    expect(await page.getByLabel('Script').inputValue()).toBe('a.py && b.py');
    await page.getByLabel('Script').fill('');
    await page.getByRole('textbox', { name: 'Command' }).fill("sh -c 'exit 3'");
    await page.getByLabel('Priority', { exact: true }).fill('5');
    await page.getByText('Everything else that a job may say').click();
    await page.getByLabel('Retry: limit').fill('many');
    await page.getByText('Retry: limit: ').waitFor();
    await page.getByLabel('Retry: limit').fill('1');
    await page.getByLabel('Retry: on').fill('exit_code');
    await page.getByLabel('Retry: backoff').fill('0');
    await page.getByLabel('Labels', { exact: true }).fill('kind=test\nof=forms');
    await page.getByText('It would start now.').waitFor();
    await page.getByText('berth submit has no flags for: retry.backoff.').waitFor();
    expect(await dashboard.barriers()).toEqual([]);
    const [line = '', request = ''] = await page.locator('.same').allInnerTexts();
    // As it is in a page that came by plain HTTP from another host.
    await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
    await page.getByRole('button', { name: 'Copy the command line' }).click();
    await page.getByText('Selected: copy it').waitFor();
    expect(await page.evaluate('getSelection().toString()')).toBe(line);
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Job' }).waitFor();

    const environment = { BERTH_TOKEN: daemon.token, BERTH_URL: daemon.address };
    execFileSync('sh', ['-c', request.replace('curl ', 'curl -fsS ')], {
      env: { ...process.env, ...environment },
    });
    const berth = `${process.execPath} ${BERTH} ${line.replace(/^berth /, '')}`;
    execFileSync('sh', ['-c', berth], { env: { ...process.env, ...environment } });
    const { items } = await get<{ items: Job[] }>('/v1/jobs?limit=3&label=of%3Dforms');
    expect(items).toHaveLength(3);
    for (const { priority, labels, retry, command } of items) {
      expect({ priority, labels, limit: retry?.limit, on: retry?.on, command }).toEqual({
        ...{ priority: 5, labels: { kind: 'test', of: 'forms' }, limit: 1, on: ['exit_code'] },
        command: ['sh', '-c', 'exit 3'],
      });
    }
  });
});

describe('who may not do something', () => {
  async function tokenOf(name: string, role: Role): Promise<string> {
    await daemon.post('/v1/users', { name, role });
    const made = await daemon.post(`/v1/users/${name}/tokens`, {});
    return ((await made.json()) as NewToken).token;
  }

  it('finds no button for it, and the reason where it would be', async () => {
    const [vic, eve] = [await tokenOf('vic', 'viewer'), await tokenOf('eve', 'user')];
    const adas = await daemon.shell('true', { user: 'ada', hold: true });
    const eves = await daemon.shell('true', { user: 'eve', hold: true });
    const button = (name: string | RegExp) => page.getByRole('button', { name });

    const asViewer = async (path: string): Promise<void> => {
      await dashboard.openWhole(path, vic);
      await page.getByRole('banner').getByText('vic, viewer').waitFor();
      expect(await dashboard.barriers(), path).toEqual([]);
    };
    await asViewer('/');
    await page.getByRole('article', { name: 'Device 1' }).waitFor();
    await expect.poll(() => button('Drain').count()).toBe(0);
    await asViewer('/jobs');
    await page.getByRole('link', { name: String(adas.number), exact: true }).waitFor();
    await expect.poll(() => button(/(Release|priority of|Cancel) job/).count()).toBe(0);
    await asViewer(`/jobs/${adas.number}`);
    await page.getByText('vic is a viewer, and may look only.').waitFor();
    expect(await button(/Cancel|Release|Clone/).count()).toBe(0);
    await asViewer('/submit');
    await page.getByText('vic is a viewer, and may look only.').waitFor();
    expect(await page.getByLabel('Command').count()).toBe(0);

    await dashboard.openWhole('/jobs', eve);
    await button(`Release job ${eves.number}`).waitFor();
    await expect.poll(() => button(`Release job ${adas.number}`).count()).toBe(0);
    await dashboard.openWhole(`/jobs/${adas.number}`, eve);
    await page.getByText("It is ada's, and eve is no admin.").waitFor();
    expect(await button(/Cancel|Release/).count()).toBe(0);
    await button('Clone').waitFor();
    for (const each of [adas, eves]) await daemon.cancel(each);
  });
});
