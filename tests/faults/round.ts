import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '@berth/contract';
import type { Redis } from 'ioredis';
import { loadScripts } from '../../apps/daemon/dist/ledger/scripts.js';
import { verifyLedger } from '../../apps/daemon/dist/ledger/verification.js';
import { isAlive } from '../support/daemon.js';
import { type Evidence, violations } from './checker.js';
import { Client } from './client.js';
import { DEVICE_FAULTS } from './device-faults.js';
import { FAILPOINT_FAULTS } from './failpoint-faults.js';
import type { Fault, Injection, Scene } from './fault.js';
import { forgetJobs } from './forgetting.js';
import { Host } from './host.js';
import { HOST_FAULTS } from './host-faults.js';
import { planStories, playStories } from './load.js';
import { PROCESS_FAULTS } from './process-faults.js';
import { Random } from './random.js';
import { readNotes } from './records.js';
import { REDIS_FAULTS } from './redis-faults.js';

const SIMULATED = '4xT4';
const FAULTS = 6;
/** All stories begin within this, in ms; many go on for longer. */
const BEGIN_MS = 1500;
/** Faults come within this, in ms. */
const LOAD_MS = 2500;
/** How many of the rounds end with that: it takes some seconds. */
const FORGETTING = 0.25;
const DRAIN_MS = 90_000;

const KINDS: readonly (readonly Fault[])[] = [
  PROCESS_FAULTS,
  PROCESS_FAULTS,
  REDIS_FAULTS,
  FAILPOINT_FAULTS,
  FAILPOINT_FAULTS,
  FAILPOINT_FAULTS,
  FAILPOINT_FAULTS,
  DEVICE_FAULTS,
  HOST_FAULTS,
];
export const ALL_FAULTS: readonly Fault[] = [...new Set(KINDS)].flat();

export interface Outcome {
  seed: number;
  /** What was done, when (ms since the beginning of the load), and what of it hit nothing. */
  faults: string[];
  /** How many of them hit something. */
  reached: number;
  /** The failpoints of scripts that any process came by. */
  passed: string[];
  violations: string[];
  /** Where there are violations: what daemon and workers said last. */
  lastWords: string;
  seconds: number;
}

/**
 * One round: a load and faults by one seed; then the faults stop, the queue drains, and the evidence is looked at.
 * @param only faults of these names; null: all
 */
export async function playRound(seed: number, only: readonly string[] | null = null): Promise<Outcome> {
  const begin = Date.now();
  const host = new Host(SIMULATED);
  const struck: Strike[] = [];
  const found: string[] = [];
  let lastWords = '';
  try {
    await host.start();
    const random = new Random(seed, 'nemesis');
    const scene: Scene = { host, random, harmed: new Set(), devicesFailed: false };
    host.restartDelay = random.between(0, 400);
    const stories = planStories(seed, host.records);
    const client = new Client(host.daemon);
    await Promise.all([playStories(stories, client, BEGIN_MS), strike(scene, only, struck)]);
    for (const job of host.unrecordedJobs()) scene.harmed.add(job);
    host.disarm();
    await host.ready();
    await host.resumeDevices();
    await Promise.all(stories.map((story) => story.settle?.(client)));
    const jobs = await drained(host);
    const ledger = new Map(jobs.map((job) => [job.id as string, job]));
    const planned = stories.flatMap((story) => story.jobs(ledger));
    const { harmed, devicesFailed } = scene;
    const evidence: Evidence = { planned, ledger, notes: readNotes(host.records), harmed, devicesFailed };
    found.push(...client.lies, ...violations(evidence));
    found.push(...stories.flatMap((story) => story.violations?.(evidence) ?? []));
    if (random.chance(FORGETTING)) found.push(...(await forgetJobs(host, random, jobs)));
    found.push(...(await host.redis(flaws)), ...(await leftOver(host)));
  } catch (error) {
    found.push((error as Error).message);
  }
  const faults = struck.map(described);
  const reached = struck.filter(({ injection }) => injection?.wasReached()).length;
  const passed = host.passed();
  if (found.length > 0) lastWords = host.lastWords();
  await host.destroy();
  return {
    seed,
    faults,
    reached,
    passed,
    violations: found,
    lastWords,
    seconds: (Date.now() - begin) / 1000,
  };
}

/** A fault of a round. */
interface Strike {
  at: number;
  name: string;
  /** Absent where it could not be injected: the round says why. */
  injection: Injection | null;
}

const described = ({ at, name, injection }: Strike): string =>
  `${at} ms: ${name}${injection?.wasReached() === false ? ' (not reached)' : ''}`;

/** Some faults, one after another or at once, over the time of the load; all are taken back at the end. */
async function strike(scene: Scene, only: readonly string[] | null, struck: Strike[]): Promise<void> {
  const { random } = scene;
  const begin = Date.now();
  const choices = Array.from({ length: FAULTS }, () => ({
    at: random.between(0, LOAD_MS),
    fault: random.one(
      only ? ALL_FAULTS.filter(({ name }) => only.includes(name)) : (random.one(KINDS) as readonly Fault[]),
    ),
  })).sort((one, other) => one.at - other.at);
  const taken = choices.map(async ({ at, fault }) => {
    await sleep(at);
    if (!fault) return;
    const one: Strike = { at: Date.now() - begin, name: fault.name, injection: null };
    struck.push(one);
    one.injection = await fault.inject(scene);
    await one.injection.takeBack?.();
  });
  await Promise.all(taken);
}

const ENDED = ['succeeded', 'failed', 'cancelled'];

/** All jobs, once they have ended. */
async function drained({ daemon }: Host): Promise<Job[]> {
  const deadline = Date.now() + DRAIN_MS;
  for (;;) {
    const answer = await daemon.request('/v1/jobs?limit=200').catch(() => null);
    const items = answer?.ok ? ((await answer.json()) as { items: Job[] }).items : [];
    const open = items.filter(({ state }) => !ENDED.includes(state));
    if (answer?.ok && open.length === 0) return items;
    if (Date.now() > deadline) {
      const names = open.map(({ id, state, reason }) => `${id} is ${state} (${reason?.sentence ?? '-'})`);
      throw new Error(`the queue did not drain: ${names.join('; ')}`);
    }
    await sleep(50);
  }
}

/** What the ledger says in two places, and not the same: something that was done by half. */
async function flaws(redis: Redis): Promise<string[]> {
  const found: string[] = [];
  for await (const { subject, sentence } of verifyLedger(redis, loadScripts(redis), false))
    found.push(`the ledger contradicts itself: ${subject} ${sentence}`);
  return found;
}

/** After the end of all jobs nothing of them is there, and nobody holds a device; after that of the daemon nothing at all. */
async function leftOver(host: Host): Promise<string[]> {
  const found: string[] = [];
  const processes = host.jobProcesses();
  if (processes.length > 0)
    found.push(
      `processes of jobs are left: ${processes.map(({ pid, job }) => `${pid} of ${job}`).join(', ')}`,
    );
  for (const { index, holders } of await host.daemon.devices())
    if (holders.length > 0)
      found.push(`device ${index} is still held by ${holders.map(({ job }) => job).join(', ')}`);
  const all = host.daemon.processes();
  const code = await host.stop();
  if (code !== 0) found.push(`the daemon stopped with exit code ${code}`);
  const left = all.filter(isAlive);
  if (left.length > 0) found.push(`the daemon left processes behind: ${left.join(', ')}`);
  return found;
}
