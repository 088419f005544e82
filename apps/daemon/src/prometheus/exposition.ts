import type { Device, JobState } from '@berth/contract';
import { Gauge, Registry } from 'prom-client';
import { addDevices, type Names } from './device-families.js';
import type { Meters } from './meters.js';

/** Where the figures of one moment come from. */
export interface Sources {
  /** @throws where the ledger can't be read */
  devices(): Promise<readonly Device[]>;
  /** How many jobs are in each state; null: the ledger can't be asked. @throws where it didn't answer just now */
  jobs(): Promise<ReadonlyMap<JobState, number> | null>;
  /** How many jobs wait for each reason. */
  waiting(): ReadonlyMap<string, number>;
  /** What of the ledger can't be read, as far as it was met. */
  damaged(): readonly { kind: string }[];
  /** Why no jobs are taken, one of a few codes, and since when, in ms since the epoch; null: they are. */
  notReady(): Promise<{ code: string; since: number } | null>;
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
    const { sources } = this;
    const [devices, jobs, notReady] = await Promise.all([
      sources.devices().catch(() => null),
      sources.jobs().catch(() => null),
      sources.notReady(),
    ]);
    this.gauge(now, 'berth_ready', 'Whether jobs are taken and started: 1 or 0, as /readyz says.').set(
      Number(notReady === null),
    );
    const since = this.gauge(
      now,
      'berth_not_ready_since_timestamp_seconds',
      'Since when they are not, and why; left out while they are.',
      'code',
    );
    if (notReady) since.set({ code: notReady.code }, notReady.since / 1000);
    this.gauge(
      now,
      'berth_ledger_up',
      'Whether Redis answers, with the right ledger: 1 or 0. What needs it is left out then.',
    ).set(Number(jobs !== null));
    if (jobs) {
      const states = this.gauge(now, 'berth_jobs', 'Jobs that the ledger has, by state.', 'state');
      for (const [state, count] of jobs) states.set({ state }, count);
    }
    const reasons = this.gauge(now, 'berth_pending_jobs', 'Jobs that wait, by what for.', 'reason');
    for (const [reason, count] of this.sources.waiting()) reasons.set({ reason }, count);
    const damaged = this.gauge(
      now,
      'berth_damaged_records',
      "What the daemon has met in the ledger that can't be read, and leaves out.",
      'kind',
    );
    for (const { kind } of sources.damaged()) damaged.inc({ kind });
    if (devices) addDevices(now, devices, names);
    const texts = await Promise.all([now, this.meters.registry].map((registry) => registry.metrics()));
    return texts.join('\n');
  }

  private gauge(registry: Registry, name: string, help: string, ...labelNames: string[]): Gauge {
    return new Gauge({ name, help, labelNames, registers: [registry] });
  }
}
