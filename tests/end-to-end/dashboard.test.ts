import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Group, JobList, Queue } from '@berth/contract';
import { changeSimulation } from '@berth/cuda-core';
import type { Page } from 'playwright-core';
import { describe, expect, it, vi } from 'vitest';
import { eventually, type TestDaemon } from '../support/daemon.js';
import { type Dashboard, useDashboard } from '../support/dashboard.js';

const DIST = new URL('../../apps/dashboard/dist/assets/', import.meta.url).pathname;
const HOLD_MEMORY = new URL('../../examples/hold_memory.py', import.meta.url).pathname;

let daemon: TestDaemon;
let dashboard: Dashboard;
let page: Page;
useDashboard('4xH100-80GB', (made) => {
  ({ daemon, page } = made);
  dashboard = made;
});

const open = (path: string): Promise<void> => dashboard.open(path);

/** What the page waits for longest: until it calls an answer old, asks again, or takes trouble for over. */
const LONGEST_MS = 11_000;
/** The page believes that so long has passed; its clock has to be Playwright's. */
const letTimePass = (): Promise<void> => page.clock.fastForward(LONGEST_MS);

describe('the page', () => {
  it('asks for a token, refuses a wrong one, and keeps the right one out of the address', async () => {
    await page.goto(`${daemon.address}/jobs`);
    await page.getByLabel('Token').fill('berth_wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Token').waitFor();
    await page.getByLabel('Token').fill(daemon.token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    await open('/');
    expect(page.url()).toBe(`${daemon.address}/`);
    // What isn't there is told by the page itself, to browsers.
    expect((await page.goto(`${daemon.address}/queue`))?.status()).toBe(404);
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    await expect.poll(() => page.title()).toBe('There is no such page · Berth');
    expect((await fetch(`${daemon.address}/queue`)).status).toBe(401);
    // What is refused was answered.
    await page.goto(`${daemon.address}/jobs/999`);
    await page
      .getByRole('alert')
      .getByText(/^There is no job 999;/)
      .waitFor();
    await open('/jobs?state=bogus');
    await page
      .getByRole('alert')
      .getByText(/^state\/0: expected one of/)
      .waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    expect(await page.evaluate('JSON.stringify({ ...localStorage })')).toBe('{}');
  });

  it('is small, and comes from here alone', async () => {
    const scripts = readdirSync(DIST).filter((name) => name.endsWith('.js'));
    const bytes = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(`${DIST}${name}`)).length, 0);
    expect(bytes).toBeLessThan(100 * 1024);
    const elsewhere: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(daemon.address)) elsewhere.push(request.url());
    });
    await open('/');
    expect(elsewhere).toEqual([]);
    const response = await fetch(`${daemon.address}/jobs/1`);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    // What is built while the daemon runs is there.
    const later = join(DIST, 'later.txt');
    writeFileSync(later, 'built later');
    const found = await fetch(`${daemon.address}/assets/later.txt`);
    rmSync(later);
    expect(await found.text()).toBe('built later');
    expect((await fetch(`${daemon.address}/assets/later.txt`)).status).toBe(404);
  });

  it.each([
    ['light', 1280],
    ['dark', 390],
  ] as const)('has no serious barrier, and fits: %s, %i px', async (colorScheme, width) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    const job = await daemon.shell('echo hello; sleep 60', {
      name: 'x'.repeat(200),
      gpus: 4,
    });
    const waiting = await daemon.shell('true', { gpus: 4 });
    await daemon.until(job, 'running');
    for (const path of [
      '/',
      '/jobs',
      `/jobs/${job.number}`,
      `/jobs/${waiting.number}`,
      '/timeline',
      '/submit',
      '/usage',
    ]) {
      await dashboard.openWhole(path);
      await page.getByRole('banner').getByText('Simulated devices').waitFor();
      expect(await dashboard.barriers(), path).toEqual([]);
      expect(await dashboard.overhang(), `${path} is wider than the screen by`).toBe(0);
    }
    for (const each of [job, waiting]) await daemon.cancel(each);
    await daemon.ended(job);
  });
});

describe('the devices', () => {
  it('show who has what of their memory, and are drained and resumed', async () => {
    const job = await daemon.submit({
      command: ['/usr/bin/python3', HOLD_MEMORY, '8', '60'],
      workingDirectory: '/',
      devices: '0',
      sharing: { memory: '20GiB' },
    });
    await open('/');
    const card = page.getByRole('article', { name: 'Device 0' });
    await card
      .getByRole('meter')
      .and(page.locator(`[aria-valuetext*="job ${job.number} 8."]`))
      .waitFor();
    await expect
      .poll(() => card.getByRole('meter').getAttribute('aria-valuetext'))
      .toMatch(/reserved, not used 1[12]/);
    await card.getByRole('link', { name: `job ${job.number}` }).click();
    await page.getByRole('heading', { name: `Job ${job.number}` }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Yes, cancel' }).click();
    await daemon.ended(job);

    await open('/');
    const other = page.getByRole('article', { name: 'Device 3' });
    await other.getByRole('button', { name: 'Drain' }).click();
    await page.keyboard.type('a fan rattles');
    await page.keyboard.press('Enter');
    await other.getByText(/Kept from jobs: drained by .*: a fan rattles/).waitFor();
    await other.getByRole('button', { name: 'Resume' }).click();
    await other.getByText('Kept from jobs').waitFor({ state: 'detached' });
    expect((await daemon.devices())[3]?.obstacles).toEqual([]);
  });

  it('name processes of no job with their bytes, whom they keep waiting, and how much is let pass', async () => {
    const process = (memoryBytes: number) =>
      changeSimulation(join(daemon.dataDirectory, 'simulation.state'), {
        device: 2,
        process: { pid: 4_194_304, memoryBytes },
      });
    await open('/');
    process(40 * 2 ** 30);
    const table = page.getByRole('region', { name: 'Foreign processes' });
    await table.getByRole('cell', { name: '4194304' }).waitFor();
    await table.getByText('more than 0.5 GiB together is kept from jobs').waitFor();
    await table.getByRole('cell', { name: 'keeps jobs away; none waits for the device' }).waitFor();
    const job = await daemon.shell('true', { devices: '2' });
    await table.getByRole('cell', { name: '1 waiting job could use it' }).waitFor();
    expect(await table.locator('tbody tr').innerText()).toMatch(/^2\tnot to be seen .*\t4194304\t40\t/);
    await table.getByRole('link', { name: String(job.number) }).click();
    await page.getByText('process 4194304').first().waitFor();
    process(0);
    expect((await daemon.ended(job)).state).toBe('succeeded');
    await open('/');
    await expect.poll(() => table.count()).toBe(0);
  });

  it('are as the API has them', async () => {
    const job = await daemon.submit({
      command: ['/usr/bin/python3', HOLD_MEMORY, '30', '60'],
      ...{ workingDirectory: '/', devices: '1', timeLimit: 3600, user: 'ada', name: '<i>held</i>' },
    });
    await daemon.until(job, 'running');
    await open('/');
    const said = async () =>
      (await daemon.devices()).map(({ index, sample, memoryTotalBytes, holders }) => [
        `Device ${index}`,
        String(sample?.memoryUsedBytes),
        String(memoryTotalBytes),
        holders.map(({ number, user, name }) => `job ${number} ${user}:${name}`),
      ]);
    const shown = () =>
      page.getByRole('article').evaluateAll((cards) =>
        cards.map((card) => {
          const meter = card.querySelector('[role=meter]');
          const holders = [...card.querySelectorAll('.holders a')];
          return [
            card.ariaLabel,
            meter?.ariaValueNow,
            meter?.ariaValueMax,
            holders.map(({ textContent }) => textContent),
          ];
        }),
      );
    await expect.poll(async () => (await said())[1]?.[1]).toMatch(/^3\d{10}$/);
    await expect.poll(shown).toEqual(await said());
    await page
      .getByRole('article', { name: 'Device 1' })
      .getByText(/until .* at the latest/)
      .waitFor();
    await daemon.cancel(job);
    await daemon.ended(job);
  });

  it('say that their worker had died, and so had Redis, and how', async () => {
    await open('/');
    // Of a process that an earlier daemon had started nobody knows how it died: so this comes before the daemon's own death.
    const [, , , last] = await daemon.allWorkers();
    process.kill(last as number, 'SIGKILL');
    await page
      .getByRole('article', { name: 'Device 3' })
      .getByText(/^1 restart in 24 hours, last at .*: its worker was killed by SIGKILL/)
      .waitFor();
    process.kill(daemon.holderOf('redis/redis.lock'), 'SIGKILL');
    await page.getByText(/^1 restart in 24 hours, last at .*: Berth's own Redis was killed/).waitFor();
  });

  it('are said to be simulated, and old while the daemon is away; then the page goes on', async () => {
    await page.clock.install();
    await open('/');
    await page.getByText('these devices are made up').waitFor();
    await daemon.kill();
    await letTimePass();
    await page.getByText("The daemon doesn't answer").waitFor({ timeout: 30_000 });
    await page.getByRole('article', { name: 'Device 3' }).waitFor();
    await daemon.start(undefined, new URL(daemon.address).host);
    await letTimePass();
    await page.getByText("The daemon doesn't answer").waitFor({ state: 'detached', timeout: 30_000 });
    await page.getByText(/updated \d s ago/).waitFor();
  });

  it('stay on the page while Redis does not answer, also on one that is loaded then, which says how old jobs are', async () => {
    await page.clock.install();
    await open('/');
    const redis = daemon.holderOf('redis/redis.lock');
    process.kill(redis, 'SIGSTOP');
    try {
      const old = page.getByText(/as of \d+ s ago/);
      await old.waitFor({ timeout: 30_000 });
      await page.reload();
      await old.waitFor({ timeout: 30_000 });
      await page.getByRole('article', { name: 'Device 3' }).waitFor();
      await page.getByText(/^Redis has not answered/).waitFor();
    } finally {
      process.kill(redis, 'SIGCONT');
    }
    await eventually(
      () => daemon.request('/readyz'),
      ({ ok }) => ok,
    );
    await letTimePass();
    await page.getByText(/as of \d+ s ago/).waitFor({ state: 'detached', timeout: 30_000 });
    await page.getByText(/All jobs: \d+ running/).waitFor();
  });
});

describe('the queue', () => {
  it('is as the API has it: in order, with reasons and estimates; jobs are moved, held and cancelled in it', async () => {
    const running = await daemon.shell('sleep 60', { gpus: 4, timeLimit: 600 });
    await daemon.until(running, 'running');
    const [one, other] = [
      await daemon.shell('true', { gpus: 2, timeLimit: 60 }),
      await daemon.shell('true', { gpus: 4, name: '<b>bold</b>' }),
    ];
    const apart = await daemon.shell('true', { hold: true });
    await page.clock.install();
    await open('/jobs');
    const line = page.getByRole('table', { name: 'Jobs in line' }).locator('tbody tr');
    const shown = () =>
      line.evaluateAll((rows) =>
        rows.map((row) => [...row.querySelectorAll('td')].map(({ innerText }) => innerText)),
      );
    const said = async (): Promise<string[][]> => {
      const { items } = (await (await daemon.request('/v1/queue')).json()) as Queue;
      return items.map(({ position, number, name, user, gpus, reason }) =>
        [position, number, name, user, gpus, reason?.sentence.replace(/[-\d]+T[:\d]+Z/g, 'TIME')].map(String),
      );
    };
    // Times in sentences are UTC in the API, and local on the page.
    const seen = async () =>
      (await shown()).map((cells) => [
        ...cells.slice(0, 5),
        cells[7]?.replace(/(\w+ \d+, \d+, )?\d+:\d\d\s[AP]M/g, 'TIME'),
      ]);
    // Reasons are written a moment after the decision that they are of.
    const agreed = () =>
      vi.waitFor(async () => expect(await seen()).toEqual(await said()), { timeout: 20_000, interval: 200 });
    await expect
      .poll(async () => (await seen()).map(([, number]) => number))
      .toEqual([one, other].map(({ number }) => String(number)));
    await agreed();
    expect((await said())[0]?.at(-1)).toContain('TIME');
    expect((await shown()).map((cells) => cells[6])).toEqual([
      expect.stringMatching(/^by \d/),
      expect.stringMatching(/^by \d/),
    ]);
    await page.getByRole('table', { name: 'something of their own' }).getByText('it is held').waitFor();

    await page.getByRole('button', { name: `Raise the priority of job ${other.number}` }).click();
    await expect.poll(async () => (await seen())[0]?.[1]).toBe(String(other.number));
    await agreed();
    await page.getByRole('button', { name: `Hold job ${one.number}` }).click();
    // Out of the line it is a moment after it is held.
    await expect.poll(async () => (await seen()).map(([, number]) => number)).toEqual([String(other.number)]);
    await page.getByRole('button', { name: `Release job ${one.number}` }).waitFor();
    for (const { number } of [one, apart, other]) {
      await page.getByRole('button', { name: `Cancel job ${number}` }).click();
      await page.keyboard.press('Enter');
    }
    await page.getByText('No job is in line').waitFor();
    await page.getByRole('button', { name: `Cancel job ${running.number}` }).click();
    await page.keyboard.press('Escape');
    expect((await daemon.job(running)).state).toBe('running');
    await daemon.cancel(running);
    await page.getByText('No job runs').waitFor();

    await letTimePass();
    const ended = '/v1/jobs?state=succeeded,failed,cancelled&limit=20';
    const { items } = (await (await daemon.request(ended)).json()) as JobList;
    const rows = page.getByRole('table', { name: 'The newest jobs that have ended' }).locator('tbody tr');
    await expect
      .poll(() => rows.evaluateAll((all) => all.map((row) => row.querySelector('td')?.innerText)))
      .toEqual(items.map(({ number }) => String(number)));
    expect(await rows.first().innerText()).toContain('cancelled by');
  });

  it('tells of jobs that are not in line, also of those that are older than all it has looked at', async () => {
    const apart = await daemon.shell('true', { hold: true, name: 'forgotten' });
    const running = await daemon.shell('sleep 60', { gpus: 4 });
    const batch = {
      jobs: Array.from({ length: 100 }, () => ({ script: 'true', workingDirectory: '/', gpus: 4 })),
    };
    const { id: group } = (await (await daemon.post('/v1/jobs/batch', batch)).json()) as Group;
    await open('/jobs');
    await page.getByRole('heading', { name: 'Not in line: 1' }).waitFor();
    await page.getByText('and 1 more, submitted earlier').waitFor();
    await page.getByText('not known: a job before it has no time limit').first().waitFor();
    await page.getByRole('button', { name: 'Look for them' }).click();
    await page.getByRole('table', { name: 'something of their own' }).getByText('forgotten').waitFor();
    await page.getByText('the last 1 as of').waitFor();
    await page.getByRole('button', { name: `Cancel job ${apart.number}`, exact: true }).click();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Not in line' }).waitFor({ state: 'detached' });
    await daemon.post(`/v1/groups/${group}/cancel`, {});
    await daemon.cancel(running);
    await daemon.ended(running);
  });
});

describe('a job', () => {
  it('is submitted by the form, which says before what would become of it, and how to do the same by hand', async () => {
    await open('/submit');
    await page.getByLabel('Command').fill("sh -c 'echo made by a form; exit 3'");
    await page.getByLabel('GPUs').fill('9');
    await page.getByText('GPUs: asks for 9 devices').waitFor();
    await page.locator('[aria-invalid=true]').and(page.getByLabel('GPUs')).waitFor();
    await page.getByLabel('GPUs').fill('1');
    await page.getByText('It would start now.').waitFor();
    await page.getByText("berth submit -G 1 -- sh -c 'echo made by a form; exit 3'").waitFor();
    await page.reload();
    await page.getByText('It would start now.').waitFor();
    await page.getByRole('button', { name: 'Submit' }).dblclick();
    await page.getByRole('log').getByText('made by a form').waitFor();
    await page.getByText('rank 0 exited with code 3').first().waitFor();
    const { items } = (await (await daemon.request('/v1/jobs?name=sh&limit=2')).json()) as JobList;
    expect(items.filter(({ command }) => command?.join(' ').includes('made by a form'))).toHaveLength(1);
    // Cloned, it is in the form again.
    await page.getByRole('button', { name: 'Clone' }).click();
    await expect
      .poll(() => page.getByRole('textbox', { name: 'Command' }).inputValue())
      .toBe("sh -c 'echo made by a form; exit 3'");
  });

  it('shows its output as it comes, with colours and without HTML of its own, found by a word', async () => {
    const job = await daemon.shell(
      'printf "\\033[31mred\\033[0m <img src=x onerror=alert(1)>\\n"; i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; sleep 60',
    );
    await open(`/jobs/${job.number}`);
    const log = page.getByRole('log');
    await log.getByText('line 2999').waitFor();
    await page.getByText('3001 lines').waitFor();
    // Of so many lines just those that are seen are there.
    expect(await log.locator('pre > div').count()).toBeLessThan(150);
    await page.getByLabel('Search').fill('red');
    await log.getByText('<img src=x onerror=alert(1)>').waitFor();
    expect(await log.locator('img').count()).toBe(0);
    const colours = await page.evaluate(
      "[...document.querySelectorAll('.log-lines, .log-lines span')].map((each) => getComputedStyle(each).color)",
    );
    expect(new Set(colours as string[]).size).toBe(2);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Yes, cancel' }).click();
    await page.getByText('cancelled', { exact: false }).first().waitFor();
    expect((await daemon.ended(job)).state).toBe('cancelled');
  });

  it('has a log of 100,000 lines, one of them too long and some with control characters, that is followed and scrolled', async () => {
    const go = join(daemon.dataDirectory, 'go');
    const job = await daemon.shell(
      `seq -f 'line %.0f' 1 120000; head -c 10000000 /dev/zero | tr '\\0' y; echo; printf 'a\\033]0;title\\007b \\007 \\033[2J\\n'; ` +
        `while [ ! -e ${go} ]; do sleep 0.1; done; echo the last one; sleep 60`,
    );
    await open(`/jobs/${job.number}`);
    const log = page.getByRole('log');
    await log.getByText('ab ␇', { exact: true }).waitFor();
    await log.getByText('… and 9990000 more characters, not shown').waitFor();
    await page.getByText(`100000 lines, the newest; all of them: berth logs ${job.number}`).waitFor();
    expect(await log.locator('pre > div').count()).toBeLessThan(150);
    writeFileSync(go, '');
    await log.getByText('the last one').waitFor();
    // Who scrolls up stays there.
    await log.evaluate((box) => {
      box.scrollTop = box.scrollHeight / 2;
    });
    await log
      .getByText(/^line 700\d\d$/)
      .first()
      .waitFor();
    expect(await page.getByLabel('Follow').isChecked()).toBe(false);
    expect(await log.locator('pre > div').count()).toBeLessThan(150);
    // Wrapped on a narrow screen it begins with the same line, and long ones are seen whole; so it is the next time, too.
    await page.setViewportSize({ width: 390, height: 900 });
    const telling = log.getByText('yyyy', { exact: false });
    const overhang = () => log.evaluate((box) => box.scrollWidth - box.clientWidth);
    await page.getByLabel('Wrap lines').check();
    await log
      .getByText(/^line 700\d\d$/)
      .first()
      .waitFor();
    await log.evaluate((box) => {
      box.scrollTop = box.scrollHeight;
    });
    await telling.waitFor();
    await expect.poll(overhang).toBe(0);
    // Its 10,000 letters are all to be seen, in rows that the list has reckoned with.
    await expect.poll(async () => (await telling.boundingBox())?.height).toBeGreaterThan(150 * 18);
    await expect
      .poll(() => log.evaluate((box) => box.scrollHeight - (box.firstElementChild?.clientHeight ?? 0)))
      .toBe(0);
    await page.reload();
    expect(await page.getByLabel('Wrap lines').isChecked()).toBe(true);
    await page.getByLabel('Wrap lines').uncheck();
    await page.getByLabel('Search').fill('line 119999');
    await page.getByText(/^1 line,/).waitFor();

    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).click(),
    ]);
    expect(file.suggestedFilename()).toBe(`job-${job.number}-attempt-1-rank-0.log`);
    expect(readFileSync(await file.path(), 'utf8')).toBe(await daemon.logs(job));
    await daemon.cancel(job);
    await daemon.ended(job);
  });

  it('that failed says why, what to do, where its log shows it, and how much of its device it used', async () => {
    const job = await daemon.shell(
      `/usr/bin/python3 ${HOLD_MEMORY} 11 3; seq 500; /usr/bin/python3 -c "raise RuntimeError('CUDA error: invalid device ordinal')"`,
      { sharing: { memory: '40GiB' } },
    );
    await daemon.ended(job);
    await open(`/jobs/${job.number}`);
    const diagnosis = page.getByRole('region', { name: 'Diagnosis' });
    const said = (await daemon.job(job)).cause?.diagnosis;
    expect(await diagnosis.innerText()).toContain(said?.advice);
    expect(await diagnosis.innerText()).toContain(said?.line);
    const log = page.getByRole('log');
    const telling = log.getByText('RuntimeError: CUDA error');
    await telling.waitFor();
    await log.evaluate((box) => {
      box.scrollTop = 0;
    });
    await telling.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Go to what failed it' }).click();
    await telling.waitFor();
    await page
      .getByText(
        /It asked for 40 GiB of device \d and used 11 GiB at the most\. --share-memory 1\dGiB would leave/,
      )
      .waitFor();
    expect(await dashboard.barriers()).toEqual([]);
  });

  it('shows how far its training is, and its curves as somebody likes them, also where they are no numbers', async () => {
    const job = await daemon.shell(
      'for i in 1 2 3 4; do echo "Epoch [$i/8], Loss: 0.$i, reward: $((i - 5))"; done; ' +
        'echo "Epoch [5/8], Loss: nan, reward: inf"; echo "Epoch [6/8], Loss: 0.3, reward: -inf"; sleep 60',
    );
    await open(`/jobs/${job.number}`);
    const training = page.getByRole('region', { name: 'Training' });
    await training.getByText('75 %, 6 of 8 epochs').waitFor();
    expect(await training.getByRole('progressbar').getAttribute('value')).toBe('0.75');
    const [loss, reward] = [training.locator('figure').nth(0), training.locator('figure').nth(1)];
    await loss
      .getByText('last 0.3, 6 figures from what it prints, became NaN or infinite at epoch 5.')
      .waitFor();
    await reward.getByText('last NaN or infinite, 6 figures', { exact: false }).waitFor();
    const labels = () => loss.locator('.u-label').allInnerTexts();
    await expect.poll(labels).toEqual(['epoch', 'loss']);

    await training.getByLabel('Logarithmic').check();
    await reward.getByText('Left out: 4 points at 0 or below').waitFor();
    expect(await loss.getByText('Left out').count()).toBe(0);
    await training.getByLabel('Smoothing').fill('0.6');
    await training.getByLabel('Along').selectOption('time it took');
    await expect.poll(labels).toEqual(['after', 'loss', 'loss, smoothed']);
    expect(await training.locator('canvas').count()).toBe(2);
    // Who likes it so has it so the next time.
    await page.reload();
    await loss.locator('canvas').waitFor();
    await expect.poll(labels).toEqual(['after', 'loss', 'loss, smoothed']);
    await training.getByLabel('Along').selectOption('time of day');
    await expect.poll(labels).toEqual(['time', 'loss', 'loss, smoothed']);
    expect(await dashboard.barriers()).toEqual([]);
    await daemon.cancel(job);
    await daemon.ended(job);
  });

  it('of several ranks shows the curves of one, or of every one together', async () => {
    const job = await daemon.shell('for i in 1 2 3; do echo "Epoch [$i/3], Loss: $RANK.$i"; done; sleep 60', {
      ...{ gpus: 2, launch: 'perDevice' },
    });
    await open(`/jobs/${job.number}`);
    const training = page.getByRole('region', { name: 'Training' });
    await training.getByText('last 0.3, 3 figures').waitFor();
    await training.getByLabel('Curves of').selectOption('rank 1');
    await training.getByText('last 1.3, 3 figures').waitFor();
    expect(await page.getByRole('region', { name: 'Log' }).getByLabel('Rank').inputValue()).toBe('1');
    await training.getByLabel('Curves of').selectOption('every rank');
    await training.getByText(/rank 0: last 0\.3, .* rank 1: last 1\.3, /).waitFor();
    await expect
      .poll(() => training.locator('.u-label').allInnerTexts())
      .toEqual(['epoch', 'rank 0', 'rank 1']);
    await daemon.cancel(job);
    await daemon.ended(job);
  });

  it('says that it has more names of figures than are kept', async () => {
    const job = await daemon.shell(`echo "{\\"step\\": 1, $(seq -s , -f '"m%g": 1' 67)}"`);
    await daemon.ended(job);
    await open(`/jobs/${job.number}`);
    await page.getByText('3 more names of figures: only the first 64 are kept.').waitFor();
  });

  it('that waits says why, for what, and when; its priority is changed, it is held and released', async () => {
    const running = await daemon.shell('sleep 60', { gpus: 4, timeLimit: 3600 });
    await daemon.until(running, 'running');
    const job = await daemon.shell('true', { gpus: 2 });
    await open(`/jobs/${job.number}`);
    await page.getByText('It is first in line').waitFor();
    await page.getByText(`job ${running.number} has it`).first().waitFor();
    await page.getByRole('button', { name: 'Raise the priority' }).dblclick();
    await expect.poll(async () => (await daemon.job(job)).priority).toBe(2);
    await page.getByRole('button', { name: 'Hold' }).click();
    await page.getByRole('button', { name: 'Release' }).waitFor();
    expect((await daemon.job(job)).held).toBe(true);
    await page.getByRole('button', { name: 'Release' }).click();
    await page.getByRole('button', { name: 'Hold' }).waitFor();
    await daemon.cancel(running);
    expect((await daemon.ended(job)).state).toBe('succeeded');
    await page.getByText('succeeded').first().waitFor();
  });

  it('is found among others, by keyboard', async () => {
    const job = await daemon.shell('true', { name: 'needle', user: 'ada' });
    await daemon.ended(job);
    await open('/');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).getByText('the next job of a list').waitFor();
    expect(await dashboard.barriers()).toEqual([]);
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('j');
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('needle user:ada');
    await page.getByText('No such job.').waitFor();
    await page.getByRole('button', { name: 'Search them too' }).click();
    await expect.poll(() => page.locator('tbody tr').count()).toBe(1);
    await page.getByRole('cell', { name: 'needle' }).waitFor();
    // The address says what is seen.
    await page.reload();
    await page.getByRole('cell', { name: 'needle' }).waitFor();
    expect(await page.getByLabel('Search').inputValue()).toBe('needle user:ada');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: `Job ${job.number}` }).waitFor();
    // A number is a job's number, whatever became of it.
    await expect.poll(() => page.title()).toBe(`Job ${job.number} ${job.name} · Berth`);
    await page.goto(`${daemon.address}/jobs?q=${job.number}`);
    await page.locator('tbody tr').first().getByRole('cell', { name: 'needle' }).waitFor();
  });
});
