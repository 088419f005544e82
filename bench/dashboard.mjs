import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { chromium } from 'playwright-core';
import { cpuSeconds, startDaemon } from './daemon.mjs';
import { percentile, slopeOf } from './figures.mjs';

const DEVICES = 8;
const RUNNING = 200;
const WAITING = 10_000;
const VIEWERS = 50;
const SETTLING_MS = 20_000;
const SECONDS = 30;
const OPEN_MINUTES = Number(process.env.OPEN_MINUTES ?? 60);
const CHROMIUM = '/usr/bin/chromium';

/**
 * The dashboard of a busy lab in a real browser: how smooth it is, what it holds, what it costs the daemon; and what fifty viewers
 * cost, each of whom asks just what the page was seen to ask.
 */
export function dashboard() {
  const load = loadavg()[0];
  return inBusyLab(async (daemon) => {
    const unseen = await shareOfCore(daemon.pid, SECONDS);
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
    const asked = [];
    page.on('request', (request) => asked.push({ at: performance.now(), path: pathOf(request.url()) }));
    const token = daemon.authorization.replace('Bearer ', '');
    await page.goto(`${daemon.url}/#token=${token}`);
    await page.getByRole('article').first().waitFor();

    const began = performance.now();
    await page.reload();
    await page
      .getByRole('article')
      .nth(DEVICES - 1)
      .waitFor();
    const usefulMs = performance.now() - began;

    const overview = await watch(page, daemon.pid);
    const since = performance.now() - SECONDS * 1000;
    const requests = asked
      .filter(({ at, path }) => at >= since && path.startsWith('/v1/'))
      .map(({ at, path }) => ({ afterMs: at - since, path }));
    await page.goto(`${daemon.url}/jobs`);
    await page.getByRole('row').nth(RUNNING).waitFor();
    const jobs = await watch(page, daemon.pid);
    await browser.close();

    const viewers = view(daemon, requests);
    await sleep(2000);
    const many = await shareOfCore(daemon.pid, SECONDS);
    const { answers, notModified, milliseconds } = await viewers.end();
    return {
      scenario: 'dashboard',
      running: RUNNING,
      waiting: WAITING,
      usefulMs,
      'devices: frames/s': overview.framesPerSecond,
      'devices: longest frame, ms': overview.longestFrameMs,
      'devices: heap, MiB': overview.heapMiB,
      'devices: heap grows, MiB/h': overview.heapGrowsMiBPerHour,
      'jobs: frames/s': jobs.framesPerSecond,
      'jobs: longest frame, ms': jobs.longestFrameMs,
      'jobs: heap, MiB': jobs.heapMiB,
      'jobs: heap grows, MiB/h': jobs.heapGrowsMiBPerHour,
      'tab, MiB': jobs.tabMiB,
      'core without viewers': unseen,
      'core for one at devices': overview.shareOfCore - unseen,
      'core for one at jobs': jobs.shareOfCore - unseen,
      [`core for ${VIEWERS}`]: many - unseen,
      'answers/s': answers / (SECONDS + 2),
      'of them 304': notModified / answers,
      'answer p99, ms': percentile(milliseconds, 0.99),
      loadBefore: load,
    };
  });
}

/**
 * A page that somebody leaves open beside their work: what its tab holds after an hour, and whether it still grows. Nobody is
 * attached to this browser: for who is (Playwright always), it keeps the last 200 MB of answers.
 */
export function openTab() {
  return inBusyLab(async (daemon) => {
    const profile = mkdtempSync(join(tmpdir(), 'berth-tab-'));
    const address = `${daemon.url}/#token=${daemon.authorization.replace('Bearer ', '')}`;
    const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--window-size=1920,1080'];
    const browser = spawn(CHROMIUM, [...flags, `--user-data-dir=${profile}`, address], { stdio: 'ignore' });
    const ended = once(browser, 'exit');
    const samples = [];
    try {
      for (let minute = 0; minute <= OPEN_MINUTES; minute += 1) {
        await sleep(minute === 0 ? SETTLING_MS : 60_000);
        samples.push({ minute, ...rendererMemory() });
      }
    } finally {
      browser.kill();
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    }
    // What is kept of the past, such as sparklines, has its size by then.
    const later = samples.filter(({ minute }) => minute >= OPEN_MINUTES / 4);
    const figuresOf = (part) => {
      const sizes = samples.map((sample) => sample[part]);
      return {
        'at first, MiB': sizes[0],
        'at last, MiB': sizes.at(-1),
        'at most, MiB': Math.max(...sizes),
        'grows, MiB/h': slopeOf(later.map((sample) => [sample.minute / 60, sample[part]])),
      };
    };
    const named = (name, figures) =>
      Object.fromEntries(Object.entries(figures).map(([key, value]) => [`${name} ${key}`, value]));
    return {
      scenario: 'openTab',
      minutes: OPEN_MINUTES,
      ...named('tab', figuresOf('ownMiB')),
      ...named('with its part of the shared', figuresOf('withSharedMiB')),
    };
  });
}

/** What a scenario finds with many jobs running and waiting. */
async function inBusyLab(look) {
  const daemon = await startDaemon(`${DEVICES}xH100-80GB`, 4);
  try {
    await fill(daemon);
    await sleep(SETTLING_MS);
    return await look(daemon);
  } finally {
    // Devices first: nothing that waits shall start in the place of what is cancelled.
    for (let i = 0; i < DEVICES; i += 1) await daemon.call('POST', `/v1/devices/${i}/drain`);
    await daemon.call('POST', '/v1/shutdown', { jobs: 'cancel' }).catch(() => undefined);
    await daemon.stop();
  }
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const pathOf = (url) => url.slice(new URL(url).origin.length);

/** As many that run as are asked for, several on each device; then those that wait. */
async function fill(daemon) {
  const common = { workingDirectory: '/', command: ['sleep', '7200'], timeLimit: '2h' };
  const sharing = { slots: RUNNING / DEVICES };
  await daemon.call('POST', '/v1/jobs/batch', {
    jobs: Array.from({ length: RUNNING }, (_, i) => ({ ...common, sharing, name: `running-${i}` })),
  });
  for (let running = 0; running < RUNNING; ) {
    await sleep(500);
    running = (await daemon.call('GET', `/v1/jobs?state=running&limit=${RUNNING}`)).items.length;
  }
  await daemon.call('POST', '/v1/jobs/batch', {
    jobs: Array.from({ length: WAITING }, (_, i) => ({
      ...{ ...common, name: `waiting-${i}`, gpus: 1 + (i % 8), priority: i % 3 },
    })),
  });
}

/** Processor time of a process, as a share of one core, from now for so long. */
async function shareOfCore(pid, seconds) {
  const before = cpuSeconds([pid]);
  await sleep(seconds * 1000);
  return (cpuSeconds([pid]) - before) / seconds;
}

/** What its scripts hold, in MiB, once nothing can be collected. */
async function heapOf(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize / 2 ** 20;
}

/** What a page does while it is looked at. */
async function watch(page, pid) {
  const first = await heapOf(page);
  const [share, frames] = await Promise.all([
    shareOfCore(pid, SECONDS),
    page.evaluate(
      (ms) =>
        new Promise((resolve) => {
          const times = [];
          const frame = (at) => {
            times.push(at);
            if (at - times[0] < ms) requestAnimationFrame(frame);
            else resolve(times);
          };
          requestAnimationFrame(frame);
        }),
      SECONDS * 1000,
    ),
  ]);
  const last = await heapOf(page);
  return {
    framesPerSecond: (frames.length - 1) / ((frames.at(-1) - frames[0]) / 1000),
    longestFrameMs: Math.max(...frames.slice(1).map((at, i) => at - frames[i])),
    heapMiB: last,
    heapGrowsMiBPerHour: ((last - first) / SECONDS) * 3600,
    tabMiB: rendererMemory().withSharedMiB,
    shareOfCore: share,
  };
}

/**
 * Of the largest renderer of our browser: memory of its own, which is what Chrome's task manager shows; and that with its part of
 * what it shares with others, such as the program itself.
 */
function rendererMemory() {
  const sizes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=renderer') || !isBelowUs(pid))
          return [];
        const mebibytes = (file, key) =>
          Number(
            new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))[1],
          ) / 1024;
        return [{ ownMiB: mebibytes('status', 'RssAnon'), withSharedMiB: mebibytes('smaps_rollup', 'Pss') }];
      } catch {
        return [];
      }
    });
  return sizes.toSorted((a, b) => b.withSharedMiB - a.withSharedMiB)[0];
}

function isBelowUs(pid) {
  const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
  return parent === process.pid || (parent > 1 && isBelowUs(parent));
}

/** Viewers who each ask again and again what a page asked, beginning at moments of their own. */
function view({ url, authorization }, requests) {
  const { hostname, port } = new URL(url);
  const workerData = { hostname, port, authorization, requests, viewers: VIEWERS, lengthMs: SECONDS * 1000 };
  const worker = new Worker(VIEW, { eval: true, workerData });
  return {
    end: () =>
      new Promise((resolve, reject) => {
        worker.once('message', resolve).once('error', reject);
        worker.postMessage('end');
      }),
  };
}

const VIEW = `
const { Agent, get } = require('node:http');
const { parentPort, workerData } = require('node:worker_threads');
const { hostname, port, authorization, requests, viewers, lengthMs } = workerData;
const told = { answers: 0, notModified: 0, milliseconds: [] };
parentPort.once('message', () => { parentPort.postMessage(told); process.exit(); });
for (let i = 0; i < viewers; i += 1) {
  const agent = new Agent({ keepAlive: true, maxSockets: 6 });
  const tags = new Map();
  const ask = (path) => {
    const began = performance.now();
    const headers = { authorization, 'accept-encoding': 'gzip', ...(tags.has(path) ? { 'if-none-match': tags.get(path) } : {}) };
    get({ hostname, port, path, agent, headers }, (answer) => {
      if (answer.statusCode >= 400) throw new Error(path + ': ' + answer.statusCode);
      answer.resume().once('end', () => {
        told.answers += 1;
        if (answer.statusCode === 304) told.notModified += 1;
        told.milliseconds.push(performance.now() - began);
        if (answer.headers.etag) tags.set(path, answer.headers.etag);
      });
    });
  };
  const round = () => {
    for (const { afterMs, path } of requests) setTimeout(ask, afterMs, path);
    setTimeout(round, lengthMs);
  };
  setTimeout(round, (i / viewers) * 2000);
}`;
