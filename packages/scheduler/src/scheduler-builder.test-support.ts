import type { JobId, ObstacleCode } from '@berth/contract';
import { apply, emptyState, type Needs, type PendingJob, type SchedulerState } from './state.js';

/** Makes states readable in tests: `host(2).running(1, [0]).pending(2, { mask: [0] }).state`. */
export function host(devices: number, node = 'host'): SchedulerBuilder {
  return new SchedulerBuilder().withHost(devices, node);
}

export const jobId = (number: number): JobId => `job_${String(number).padStart(21, '0')}`;

export class SchedulerBuilder {
  readonly state: SchedulerState = emptyState();

  withHost(devices: number, node: string): this {
    const added = Array.from({ length: devices }, (_, index) => ({
      uuid: `${node}-${index}`,
      index,
      node,
      instance: null,
      obstacle: null,
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
      instance,
      obstacle: null,
    }));
    const others = [...this.state.devices.values()].filter(({ uuid }) => uuid !== whole);
    apply(this.state, { type: 'devices', devices: [...others, ...parts] });
    return this;
  }

  running(number: number, devices: number[], node = 'host'): this {
    const uuids = devices.map((index) => `${node}-${index}`);
    apply(this.state, { type: 'placed', allocation: { job: jobId(number), number, devices: uuids } });
    return this;
  }

  pending(number: number, wants: { gpus?: number; mask?: number[]; priority?: number } = {}): this {
    apply(this.state, { type: 'pending', job: pendingJob(number, wants) });
    return this;
  }
}

export function pendingJob(
  number: number,
  { gpus, mask, priority = 0 }: { gpus?: number; mask?: number[]; priority?: number },
): PendingJob {
  const candidates = mask?.map((index) => `host-${index}`) ?? null;
  const needs: Needs = { priority, gpus: gpus ?? mask?.length ?? 1, candidates, launch: 'single' };
  return { id: jobId(number), number, attempt: 1, needs };
}
