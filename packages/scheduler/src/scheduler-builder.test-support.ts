import type { JobId, ObstacleCode } from '@berth/contract';
import {
  apply,
  type Constraints,
  emptyState,
  type Needs,
  type PendingJob,
  type SchedulableDevice,
  type SchedulerState,
} from './state.js';

/** Makes states readable in tests: `host(2).running(1, [0]).pending(2, { mask: [0] }).state`. */
export function host(devices: number, node = 'host'): SchedulerBuilder {
  return new SchedulerBuilder().withHost(devices, node);
}

export const jobId = (number: number): JobId => `job_${String(number).padStart(21, '0')}`;

/** A device of which nothing is known. */
const PLAIN = {
  instance: null,
  memoryBytes: null,
  model: 'GPU',
  computeCapability: null,
  distances: {},
  obstacle: null,
};

interface Wants {
  gpus?: number;
  mask?: number[];
  priority?: number;
  /** Seconds. */
  limit?: number;
  constraints?: Partial<Constraints>;
}

export class SchedulerBuilder {
  readonly state: SchedulerState = emptyState();

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

  /** A job that runs since the beginning of time; with a limit in seconds, until that. */
  running(
    number: number,
    devices: number[],
    { node = 'host', limit }: { node?: string; limit?: number } = {},
  ): this {
    const uuids = devices.map((index) => `${node}-${index}`);
    const endsAt = limit === undefined ? null : limit * 1000;
    const allocation = { job: jobId(number), number, devices: uuids, since: 0, endsAt };
    apply(this.state, { type: 'placed', allocation });
    return this;
  }

  pending(number: number, wants: Wants = {}): this {
    apply(this.state, { type: 'pending', job: pendingJob(number, wants) });
    return this;
  }
}

export function pendingJob(
  number: number,
  { gpus, mask, priority = 0, limit, constraints }: Wants,
): PendingJob {
  const candidates = mask?.map((index) => `host-${index}`) ?? null;
  const needs: Needs = {
    priority,
    gpus: gpus ?? mask?.length ?? 1,
    candidates,
    launch: 'single',
    longestSeconds: limit ?? null,
    constraints: constraints
      ? { model: null, minMemoryBytes: null, minComputeCapability: null, node: null, ...constraints }
      : null,
  };
  return { id: jobId(number), number, attempt: 1, needs };
}
