import type { JobId, ObstacleCode } from '@berth/contract';
import { gpusOf } from './occupancy.js';
import { DEFAULT_POLICY, type Policy } from './policy.js';
import {
  type Allocation,
  apply,
  type Constraints,
  emptyState,
  type Needs,
  type PendingJob,
  type SchedulableDevice,
  type SchedulerState,
  type Share,
} from './state.js';

/** Makes states readable in tests: `host(2).running(1, [0]).pending(2, { mask: [0] }).state`. */
export function host(devices: number, node = 'host', policy: Partial<Policy> = {}): SchedulerBuilder {
  return new SchedulerBuilder(policy).withHost(devices, node);
}

export const jobId = (number: number): JobId => `job_${String(number).padStart(21, '0')}`;

/** A device of which nothing is known. */
const PLAIN = {
  instance: null,
  memoryBytes: null,
  model: 'GPU',
  computeCapability: null,
  distances: {},
  labels: {},
  obstacle: null,
};

interface Wants {
  gpus?: number;
  mask?: number[];
  priority?: number;
  /** Seconds. */
  limit?: number;
  constraints?: Partial<Constraints>;
  user?: string;
  share?: Share | null;
  preemptible?: boolean;
  /** Seconds. */
  grace?: number;
  limitedGroup?: { id: string; maxParallel: number };
  front?: boolean;
  /** Seconds. */
  submitted?: number;
}

export class SchedulerBuilder {
  readonly state: SchedulerState;

  constructor(policy: Partial<Policy> = {}) {
    this.state = emptyState({ ...DEFAULT_POLICY, ...policy });
  }

  withHost(devices: number, node: string): this {
    const added = Array.from({ length: devices }, (_, index) => ({
      uuid: `${node}-${index}`,
      index,
      node,
      ...PLAIN,
    }));
    apply(this.state, { type: 'devices', devices: [...this.state.devices.values(), ...added] });
    return this;
  }

  /** Keeps jobs away from a device. */
  obstructed(index: number, code: ObstacleCode, sentence: string, node = 'host'): this {
    const devices = [...this.state.devices.values()].map((device) =>
      device.uuid === `${node}-${index}` ? { ...device, obstacle: { code, sentence } } : device,
    );
    apply(this.state, { type: 'devices', devices });
    return this;
  }

  /** Divides a GPU into MIG instances. */
  divided(index: number, instances: number, node = 'host'): this {
    const whole = `${node}-${index}`;
    const parts = Array.from({ length: instances }, (_, instance) => ({
      uuid: `${whole}:${instance}`,
      index,
      node,
      ...PLAIN,
      instance,
    }));
    const others = [...this.state.devices.values()].filter(({ uuid }) => uuid !== whole);
    apply(this.state, { type: 'devices', devices: [...others, ...parts] });
    return this;
  }

  /** What the devices of a host are like, one after another. */
  like(facts: readonly Partial<SchedulableDevice>[], node = 'host'): this {
    const devices = [...this.state.devices.values()].map((device) =>
      device.node === node ? { ...device, ...facts[device.index] } : device,
    );
    apply(this.state, { type: 'devices', devices });
    return this;
  }

  /** A job that runs since the beginning of time, or since a second; with a limit in seconds, until that. */
  running(
    number: number,
    devices: number[],
    { node = 'host', since = 0, ...wants }: Wants & { node?: string; since?: number } = {},
  ): this {
    const uuids = devices.map((index) => `${node}-${index}`);
    apply(this.state, {
      type: 'placed',
      allocation: allocationOf(
        this.state,
        pendingJob(number, { gpus: devices.length, ...wants }),
        uuids,
        since,
      ),
    });
    return this;
  }

  pending(number: number, wants: Wants = {}): this {
    apply(this.state, { type: 'pending', job: pendingJob(number, wants) });
    return this;
  }
}

/** What a job holds that was given devices. @param since s */
export function allocationOf(
  state: SchedulerState,
  { id, number, attempt, needs }: PendingJob,
  devices: readonly string[],
  since: number,
): Allocation {
  return {
    job: id,
    number,
    attempt,
    needs,
    devices,
    gpus: gpusOf(
      needs,
      devices.map((uuid) => state.devices.get(uuid) as SchedulableDevice),
    ),
    since: since * 1000,
    endsAt: needs.longestSeconds === null ? null : (since + needs.longestSeconds) * 1000,
    leaving: false,
  };
}

export function pendingJob(number: number, wants: Wants): PendingJob {
  const { gpus, mask, priority = 0, limit, constraints, user = 'ada', share = null } = wants;
  const { submitted = 0, preemptible = false, grace = 30, limitedGroup = null, front = false } = wants;
  const candidates = mask?.map((index) => `host-${index}`) ?? null;
  const needs: Needs = {
    user,
    priority,
    gpus: gpus ?? mask?.length ?? 1,
    candidates,
    launch: 'single',
    share,
    longestSeconds: limit ?? null,
    graceSeconds: grace,
    preemptible,
    limitedGroup,
    constraints: constraints
      ? {
          model: null,
          minMemoryBytes: null,
          minComputeCapability: null,
          node: null,
          labels: {},
          ...constraints,
        }
      : null,
  };
  return { id: jobId(number), number, since: submitted * 1000, attempt: 1, needs, front };
}
