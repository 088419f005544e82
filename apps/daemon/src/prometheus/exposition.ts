import type { Device, JobState } from '@berth/contract';
import { Gauge, Registry } from 'prom-client';
import { addDevices, type Names } from './device-families.js';
import type { Meters } from './meters.js';

/** Where the figures of one moment come from. */
export interface Sources {
  /** @throws where the ledger can't be read */
  devices(): Promise<readonly Device[]>;
  /** How many jobs are in each state. @throws where the ledger can't be read */
  jobs(): Promise<ReadonlyMap<JobState, number>>;
  /** How many jobs wait for each reason. */
  waiting(): ReadonlyMap<string, number>;
}

/** All that Prometheus is told, as text (exposition format 0.0.4). */
export class Exposition {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  private readonly meters: Meters;
  private readonly sources: Sources;

  constructor(meters: Meters, sources: Sources) {
    this.meters = meters;
    this.sources = sources;
  }

  /** @param names by whose names devices are told of */
  async text(names: Names): Promise<string> {
    // Made anew for each request: a device or a reason that is gone leaves nothing behind.
    const now = new Registry();
    const [devices, jobs] = await Promise.allSettled([this.sources.devices(), this.sources.jobs()]);
    this.gauge(now, 'berth_ledger_up', 'Whether Redis answers: 1 or 0. What needs it is left out then.').set(
      Number(devices.status === 'fulfilled' && jobs.status === 'fulfilled'),
    );
    if (jobs.status === 'fulfilled') {
      const states = this.gauge(now, 'berth_jobs', 'Jobs that the ledger has, by state.', 'state');
      for (const [state, count] of jobs.value) states.set({ state }, count);
    }
    const reasons = this.gauge(now, 'berth_pending_jobs', 'Jobs that wait, by what for.', 'reason');
    for (const [reason, count] of this.sources.waiting()) reasons.set({ reason }, count);
    if (devices.status === 'fulfilled') addDevices(now, devices.value, names);
    const texts = await Promise.all([now, this.meters.registry].map((registry) => registry.metrics()));
    return texts.join('\n');
  }

  private gauge(registry: Registry, name: string, help: string, ...labelNames: string[]): Gauge {
    return new Gauge({ name, help, labelNames, registers: [registry] });
  }
}
