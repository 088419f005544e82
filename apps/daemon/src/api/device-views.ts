import type {
  Device,
  DeviceHealth,
  DeviceList,
  Driver,
  Job,
  JobDeviceUse,
  Obstacle,
  ObstacleCode,
  Restart,
} from '@berth/contract';
import type { DeviceFacts } from '@berth/cuda-core';
import { bytesOf, keptWaiting, type SchedulerState } from '@berth/scheduler';
import type { Histories } from '../devices/histories.js';
import type { DeviceInventory } from '../devices/inventory.js';
import type { DeviceWatch } from '../guard/device-watch.js';
import type { DeviceBookPage, DeviceBookView } from '../ledger/device-book-view.js';
import type { LedgerProblem } from '../ledger/ledger-watch.js';
import { shareOf } from './sharing.js';

/** How long one answer is given again: its ages are wrong by so much at the most. */
const ANSWER_LASTS_MS = 20;
/** For how long it is shown that a process of Berth had died. */
const RESTARTS_LAST_MS = 24 * 3_600_000;

/** Of drains: what takes a device out because it is not well. */
const UNWELL: readonly ObstacleCode[] = ['unwell', 'lost'];

/**
 * The devices as the API shows them: what the driver said, what the ledger says, whose the processes are. Nothing here
 * asks the driver, and the ledger only after a change.
 */
export class DeviceViews {
  private readonly inventory: DeviceInventory;
  private readonly watch: Pick<DeviceWatch, 'rounds' | 'useOf'>;
  private readonly book: Pick<DeviceBookView, 'read' | 'fresh'>;
  private readonly node: string;
  private readonly histories: Pick<Histories, 'peakOf'>;
  private readonly labels: ReadonlyMap<string, Record<string, string>>;
  private readonly ledgerProblem: () => LedgerProblem | null;
  private readonly scheduling: () => SchedulerState;
  private readonly foreignLimitBytes: number | null;
  /** Another daemon counts anew. */
  private readonly begun = Date.now().toString(36);
  private answer: { list: DeviceList; json: string; at: number; version: number; rounds: number } | null =
    null;

  constructor(options: {
    inventory: DeviceInventory;
    watch: Pick<DeviceWatch, 'rounds' | 'useOf'>;
    book: Pick<DeviceBookView, 'read' | 'fresh'>;
    histories: Pick<Histories, 'peakOf'>;
    labels: ReadonlyMap<string, Record<string, string>>;
    node: string;
    ledgerProblem: () => LedgerProblem | null;
    scheduling: () => SchedulerState;
    /** Of processes of no job, on a device that is still given to jobs; null: any number. */
    foreignLimitBytes: number | null;
  }) {
    this.inventory = options.inventory;
    this.watch = options.watch;
    this.book = options.book;
    this.histories = options.histories;
    this.labels = options.labels;
    this.node = options.node;
    this.ledgerProblem = options.ledgerProblem;
    this.scheduling = options.scheduling;
    this.foreignLimitBytes = options.foreignLimitBytes;
  }

  async list(): Promise<DeviceList> {
    const { page } = await this.book.read();
    const { foreignLimitBytes } = this;
    const items = this.views(this.inventory.devices, page);
    return {
      items,
      driver: this.driver(),
      foreignLimitBytes,
      daemonRestarts: recent(page.restarts.get('daemon')),
      redisRestarts: recent(page.restarts.get('redis')),
      ledgerAgeSeconds: this.ledgerAgeSeconds(),
    };
  }

  /** The list, and it as JSON. Many may poll it, so it is made once for all who ask within some milliseconds. */
  async json(): Promise<{ list: DeviceList; json: string; tag: string }> {
    const { version } = await this.book.read();
    const { rounds } = this.watch;
    const now = Date.now();
    const last = this.answer;
    if (last?.version === version && last.rounds === rounds && now - last.at < ANSWER_LASTS_MS)
      return { list: last.list, json: last.json, tag: this.tagOf(version) };
    const list = await this.list();
    const json = JSON.stringify(list);
    this.answer = { list, json, at: now, version, rounds };
    return { list, json, tag: this.tagOf(version) };
  }

  /** An ETag for all that is shown of devices, but for how old the samples are. */
  async tag(): Promise<string> {
    return this.tagOf((await this.book.read()).version);
  }

  private tagOf(version: number): string {
    const age = this.ledgerAgeSeconds() === null ? '' : '.old';
    return `W/"${this.begun}.${this.watch.rounds}.${version}${age}"`;
  }

  private ledgerAgeSeconds(): number | null {
    const problem = this.ledgerProblem();
    return problem && Math.max(0, (Date.now() - problem.since) / 1000);
  }

  /** One device, as the ledger has it this very moment: who has changed it sees the change. */
  async fresh(uuid: string): Promise<Device | null> {
    const facts = this.facts(uuid);
    return facts ? (this.views([facts], await this.book.fresh())[0] as Device) : null;
  }

  /** Who has memory on a job's devices now; null where they aren't of this host. */
  useByJob({ id, attempts, sharing }: Job): JobDeviceUse[] | null {
    const { devices = [], number: attempt = 0 } = attempts.at(-1) ?? {};
    if (!devices.every(({ uuid }) => this.facts(uuid))) return null;
    return devices.map(({ uuid, index }) => {
      const share = shareOf(sharing);
      const memoryBytes = this.facts(uuid)?.memoryTotalBytes ?? null;
      const declaredBytes = share && memoryBytes !== null ? bytesOf(share, { memoryBytes }) : null;
      const peakBytes = this.histories.peakOf({ job: id, attempt }, uuid);
      const { processes, foreignBytes, bytesByJob } = this.watch.useOf(uuid);
      const jobBytes = processes === null ? null : (bytesByJob.get(id) ?? 0);
      return { device: uuid, index, jobBytes, declaredBytes, peakBytes, foreignBytes, processes };
    });
  }

  /** @param name a UUID or an unambiguous beginning of one, an index, or `0:1` for an instance */
  facts(name: string): DeviceFacts | null {
    const { devices } = this.inventory;
    const exact = devices.find((facts) => facts.uuid === name || placeOf(facts) === name);
    if (exact || /^\d/.test(name)) return exact ?? null;
    const matches = devices.filter(({ uuid }) => uuid.startsWith(name));
    return matches.length === 1 ? (matches[0] as DeviceFacts) : null;
  }

  driver(): Driver {
    const { inventory } = this;
    const { driverVersion, cudaVersion, simulated } = inventory.driver;
    const { source, problem, remarks } = inventory;
    return { driverVersion, cudaVersion, simulated, source, problem, remarks: [...remarks] };
  }

  private views(devices: readonly DeviceFacts[], page: DeviceBookPage): Device[] {
    const state = this.scheduling();
    const kept = keptWaiting(state);
    return devices.map((facts) => this.view(facts, page, state, kept));
  }

  private view(
    facts: DeviceFacts,
    page: DeviceBookPage,
    { allocations }: SchedulerState,
    kept: ReturnType<typeof keptWaiting>,
  ): Device {
    const { uuid } = facts;
    const waiting = kept.get(uuid);
    const { migEnabled: _, ...shown } = facts;
    const obstacles = obstaclesOf(uuid, page);
    return {
      ...shown,
      cudaIndex: this.inventory.cudaIndex(uuid),
      node: this.node,
      simulated: this.inventory.driver.simulated,
      labels: { ...this.labels.get(uuid) },
      holders: (page.holders.get(uuid) ?? []).map((holder) => {
        const endsAt = allocations.get(holder.job)?.endsAt ?? null;
        return { ...holder, latestEnd: endsAt === null ? null : new Date(endsAt).toISOString() };
      }),
      health: this.health(uuid, obstacles),
      obstacles,
      keepsWaiting: waiting ? { jobs: waiting.count, first: [...waiting.first] } : null,
      xids: [...(page.xids.get(uuid) ?? [])],
      workerRestarts: recent(page.restarts.get(uuid)),
      sample: this.sample(uuid),
    };
  }

  private health(uuid: string, obstacles: readonly Obstacle[]): DeviceHealth {
    const reach = this.inventory.reach(uuid);
    const told = obstacles.find(({ code }) => UNWELL.includes(code) || code === 'unresponsive');
    const sentence = told?.sentence ?? null;
    if (reach === 'lost' || reach === 'unresponsive') return { state: reach, sentence };
    if (told && told.code !== 'unresponsive')
      return { state: told.code === 'lost' ? 'lost' : 'unwell', sentence };
    return { state: reach, sentence: null };
  }

  private sample(uuid: string): Device['sample'] {
    const sample = this.inventory.newest(uuid);
    if (!sample) return null;
    const { uuid: _, lost: __, takenAt, ...figures } = sample;
    const { processes, jobBytes, foreignBytes } = this.watch.useOf(uuid);
    return {
      takenAt: new Date(takenAt).toISOString(),
      ageSeconds: Math.max(0, Date.now() - takenAt) / 1000,
      ...figures,
      jobBytes,
      foreignBytes,
      processes,
    };
  }
}

/** How people name a device: `3`, or `0:1` for an instance. */
function placeOf({ index, mig }: DeviceFacts): string {
  return mig ? `${index}:${mig.index}` : String(index);
}

function recent(restarts: readonly Restart[] = []): Restart[] {
  return restarts.filter(({ at }) => Date.now() - Date.parse(at) < RESTARTS_LAST_MS);
}

function obstaclesOf(uuid: string, page: DeviceBookPage): Obstacle[] {
  const drain = page.drains.get(uuid);
  const passing = page.obstacles.get(uuid) ?? [];
  const time = (since: number): string => new Date(since).toISOString();
  return [
    ...(drain
      ? [{ code: drain.code, sentence: drain.sentence, since: time(drain.since), endsBy: 'resume' as const }]
      : []),
    ...passing.map(({ code, sentence, since }) => ({
      code,
      sentence,
      since: time(since),
      endsBy: 'itself' as const,
    })),
  ];
}
