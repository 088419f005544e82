import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.js';
import { explain } from './explain.js';
import { fits } from './feasible.js';
import { bytesOf, capacityOf } from './occupancy.js';
import { policyOf } from './policy.js';
import { allocationOf, host, jobId, pendingJob } from './scheduler-builder.test-support.js';
import {
  apply,
  emptyState,
  type Needs,
  type PendingJob,
  type SchedulableDevice,
  type SchedulerState,
  type Share,
  shapeKey,
} from './state.js';

const GIB = 2 ** 30;
const USERS = ['ada', 'bob', 'cy'];
const POLICY = {
  halfLifeSeconds: 3600,
  users: { bob: { weight: 2, gpus: 3, runningJobs: null }, cy: { weight: 1, gpus: null, runningJobs: 2 } },
};

/** Two nodes of unlike devices. */
function lab(): SchedulerState {
  const sizes = [80, 80, 40, 24];
  return host(4, 'host', POLICY)
    .like(sizes.map((gib, i) => ({ memoryBytes: gib * GIB, labels: i === 3 ? { pool: 'debug' } : {} })))
    .withHost(2, 'other')
    .like([{ memoryBytes: 80 * GIB }, { memoryBytes: 80 * GIB }], 'other').state;
}

const share = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Share | null>(null) },
  fc.integer({ min: 1, max: 60 }).map((gib): Share => ({ memoryBytes: gib * GIB })),
  fc.integer({ min: 2, max: 4 }).map((slots): Share => ({ slots })),
);
const wants = fc
  .record({
    user: fc.constantFrom(...USERS),
    priority: fc.integer({ min: -1, max: 1 }),
    gpus: fc.integer({ min: 1, max: 4 }),
    mask: fc.option(fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 }), {
      nil: undefined,
    }),
    limit: fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }),
    preemptible: fc.boolean(),
    share,
    debug: fc.boolean(),
    group: fc.boolean(),
  })
  .map(({ mask, limit, debug, group, ...rest }) => ({
    ...rest,
    gpus: rest.share ? 1 : mask ? Math.min(rest.gpus, mask.length) : rest.gpus,
    ...(mask ? { mask } : {}),
    ...(limit ? { limit } : {}),
    ...(debug && !mask ? { constraints: { labels: { pool: 'debug' } } } : {}),
    ...(group ? { limitedGroup: { id: 'grp_1', maxParallel: 2 } } : {}),
  }));

type Step =
  | { kind: 'submit'; job: Parameters<typeof pendingJob>[1] }
  | { kind: 'decide' }
  | { kind: 'end'; which: number }
  | { kind: 'cancel'; which: number }
  | { kind: 'break' | 'mend'; device: number }
  | { kind: 'wait'; seconds: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: wants.map((job): Step => ({ kind: 'submit', job })) },
  { weight: 5, arbitrary: fc.constant<Step>({ kind: 'decide' }) },
  { weight: 3, arbitrary: fc.nat().map((which): Step => ({ kind: 'end', which })) },
  fc.nat().map((which): Step => ({ kind: 'cancel', which })),
  fc.record({ kind: fc.constantFrom('break' as const, 'mend' as const), device: fc.nat({ max: 5 }) }),
  // Clocks go back, too.
  fc.integer({ min: -20, max: 200 }).map((seconds): Step => ({ kind: 'wait', seconds })),
);

/** A lab that lives through a history, as the scheduler's loop would have it. */
class Story {
  readonly state = lab();
  now = 1_000_000;
  private count = 0;
  private readonly submitted = new Map<number, number>();
  private readonly broken = new Set<string>();

  take(step: Step): void {
    const { state } = this;
    const at = this.now * 1000;
    const nth = <T>(all: Iterable<T>, which: number): T | undefined => {
      const list = [...all];
      return list[which % Math.max(list.length, 1)];
    };
    switch (step.kind) {
      case 'submit':
        this.count += 1;
        this.submitted.set(this.count, at);
        apply(state, { type: 'pending', job: pendingJob(this.count, { ...step.job, submitted: this.now }) });
        return;
      case 'decide':
        this.decide();
        return;
      case 'end': {
        const ending = nth(state.allocations.values(), step.which);
        if (!ending) return;
        apply(state, { type: 'freed', job: ending.job, at });
        const { job: id, number, attempt, needs, leaving } = ending;
        const since = this.submitted.get(number) as number;
        // One that gave way is in line again, before its equals.
        if (leaving)
          apply(state, {
            type: 'pending',
            job: { id, number, since, attempt: attempt + 1, needs, front: true },
          });
        return;
      }
      case 'cancel': {
        const waiting = nth(state.pending.keys(), step.which);
        if (waiting) apply(state, { type: 'gone', job: waiting });
        return;
      }
      case 'break':
      case 'mend': {
        const uuid = nth(state.devices.keys(), step.device) as string;
        if (step.kind === 'break') this.broken.add(uuid);
        else this.broken.delete(uuid);
        const devices = [...state.devices.values()].map((device) => {
          const obstacle = this.broken.has(device.uuid)
            ? { code: 'unwell' as const, sentence: 'XID 48' }
            : null;
          return { ...device, obstacle };
        });
        apply(state, { type: 'devices', devices });
        return;
      }
      case 'wait':
        this.now += step.seconds;
    }
  }

  decide(): void {
    const { state, now } = this;
    const { placements, preemptions } = decide(state, now * 1000);
    for (const { job, devices } of placements) {
      const pending = state.pending.get(job) as PendingJob;
      isRight(pending.needs, devices);
      for (const { uuid } of devices) expect(this.broken.has(uuid)).toBe(false);
      const uuids = devices.map(({ uuid }) => uuid);
      apply(state, {
        type: 'placed',
        allocation: { ...allocationOf(state, pending, uuids, now), attempt: pending.attempt },
      });
    }
    for (const { job, by } of preemptions) {
      const { needs } = state.allocations.get(job) as { needs: Needs };
      expect(needs.preemptible && needs.priority < by.needs.priority).toBe(true);
      apply(state, { type: 'leaving', job, until: (now + 30) * 1000 });
    }
    noneTooMany(state);
  }
}

/** A gang is whole, on one node, and of devices that it may have. */
function isRight(needs: Needs, devices: readonly SchedulableDevice[]): void {
  expect(devices).toHaveLength(needs.gpus);
  expect(new Set(devices.map(({ uuid }) => uuid)).size).toBe(needs.gpus);
  expect(new Set(devices.map(({ node }) => node)).size).toBe(1);
  for (const device of devices) {
    if (needs.candidates) expect(needs.candidates).toContain(device.uuid);
    if (needs.constraints) expect(fits(device, needs.constraints)).toBe(true);
  }
  const order = needs.candidates?.filter((uuid) => devices.some((device) => device.uuid === uuid));
  if (order) expect(devices.map(({ uuid }) => uuid)).toEqual(order);
}

/** No device with two exclusive holders, none oversubscribed, no user and no group above its limit. */
function noneTooMany(state: SchedulerState): void {
  for (const [uuid, holders] of state.holders) {
    const device = state.devices.get(uuid) as SchedulableDevice;
    const bytes = holders.map(({ needs }) =>
      needs.share ? bytesOf(needs.share, device) : capacityOf(device),
    );
    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(capacityOf(device));
  }
  const running = [...state.allocations.values()];
  for (const user of USERS) {
    const { gpus, runningJobs } = policyOf(state.policy, user);
    const own = running.filter(({ needs }) => needs.user === user);
    // A part of a device may go beyond a limit by less than a device.
    if (gpus !== null) expect(own.reduce((sum, each) => sum + each.gpus, 0)).toBeLessThan(gpus + 1);
    if (runningJobs !== null) expect(own.length).toBeLessThanOrEqual(runningJobs);
  }
  expect(running.filter(({ needs }) => needs.limitedGroup).length).toBeLessThanOrEqual(2);
}

/** The state that somebody would build who reads what is left of it. */
function rebuilt({ policy, devices, allocations, pending, usage, lastUsed }: SchedulerState): SchedulerState {
  const state = emptyState(policy);
  for (const job of [...pending.values()].reverse()) apply(state, { type: 'pending', job });
  for (const allocation of [...allocations.values()].reverse()) apply(state, { type: 'placed', allocation });
  apply(state, { type: 'past', usage, lastUsed });
  apply(state, { type: 'devices', devices: [...devices.values()].reverse() });
  return state;
}

describe('in any history of submissions, ends, failures and clocks', () => {
  it('gangs are whole, masks and limits hold, nothing is given twice, and who gives way allowed it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const story = new Story();
        for (const each of steps) story.take(each);
      }),
      { numRuns: 1000 },
    );
  });

  it('a state that is built anew decides as the one that never stopped, and events that come twice change nothing', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const story = new Story();
        for (const each of steps) story.take(each);
        const { state, now } = story;
        const decision = decide(state, now * 1000);
        expect(decide(rebuilt(state), now * 1000)).toEqual(decision);
        for (const job of [...state.pending.values()]) apply(state, { type: 'pending', job });
        for (const allocation of [...state.allocations.values()])
          apply(state, { type: 'placed', allocation });
        apply(state, { type: 'freed', job: jobId(9999), at: now * 1000 });
        expect(decide(state, now * 1000)).toEqual(decision);
      }),
      { numRuns: 1000 },
    );
  });

  it('an explanation says of each job what the decision does', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const story = new Story();
        for (const each of steps) story.take(each);
        const { state, now } = story;
        const placed = new Set(decide(state, now * 1000).placements.map(({ job }) => job));
        for (const job of state.pending.values())
          expect(explain(state, job, now * 1000).startsNow).toBe(placed.has(job.id));
      }),
      { numRuns: 1000 },
    );
  });

  it('every job that could ever run does, once no more are submitted and each comes to its end', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const story = new Story();
        for (const each of steps) story.take(each);
        for (let device = 0; device < 6; device += 1) story.take({ kind: 'mend', device });
        const { state } = story;
        const left = (): boolean => {
          const { reasons } = decide(state, story.now * 1000);
          const may = ({ needs }: PendingJob): boolean =>
            mayHave(needs) && reasons.get(shapeKey(needs))?.code !== 'no_matching_device';
          return [...state.pending.values()].some(may);
        };
        for (let round = 0; left() || state.allocations.size > 0; round += 1) {
          expect(round).toBeLessThan(500);
          story.decide();
          story.take({ kind: 'wait', seconds: 60 });
          // The one that has run for the longest ends.
          const [oldest] = [...state.allocations.values()].sort((one, other) => one.since - other.since);
          if (oldest) apply(state, { type: 'freed', job: oldest.job, at: story.now * 1000 });
        }
      }),
      { numRuns: 1000 },
    );
  });
});

/** Whether a user may ever hold as much. */
function mayHave({ user, gpus }: Needs): boolean {
  return gpus <= (policyOf(lab().policy, user).gpus ?? Infinity);
}
