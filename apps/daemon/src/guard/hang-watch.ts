import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cause, HangPolicy, JobId } from '@berth/contract';
import { accountNamed, openLog, readStartRecord } from '@berth/task-shim';
import type { Logger } from 'pino';
import { checkpointPlaces, newestChange } from '../checkpoint-files.js';
import type { DataDirectory } from '../data-directory.js';
import type { DeviceInventory } from '../devices/inventory.js';
import type { Ledger } from '../ledger/ledger.js';
import { type JobRecord, type JobSpec, type PlacedAttempt, placedAttempt, specOf } from '../ledger/record.js';
import { LedgerRefusal } from '../ledger/refusal.js';
import { RecurringTrouble } from '../recurring-trouble.js';
import type { DeviceWatch } from './device-watch.js';
import { type Sight, type Suspicion, suspicionOf, type Vigil, watched } from './hang-judgement.js';
import type { RunningTasks } from './running-tasks.js';
import { stacksOf } from './stacks.js';

/** A running job, out of its record. */
interface RunningJob {
  id: JobId;
  attempt: number;
  spec: JobSpec;
  placed: PlacedAttempt;
  record: JobRecord;
}

interface Watched {
  vigil: Vigil | null;
  /** What was done about it already in this attempt. */
  told: boolean;
  ended: boolean;
}

const UNKNOWN: Watched = { vigil: null, told: false, ended: false };

interface Options {
  inventory: DeviceInventory;
  tasks: RunningTasks;
  watch: DeviceWatch;
  ledger: Ledger;
  directories: DataDirectory;
  /** For jobs that have none of their own. */
  policy: HangPolicy;
  log: Logger;
}

/** Looks after each round of samples whether a running job stands still, tells its owner, and ends it where that is its policy. */
export class HangWatch {
  private readonly options: Options;
  private readonly jobs = new Map<string, Watched>();
  private busy = false;

  constructor(options: Options) {
    this.options = options;
  }

  start(): void {
    const { inventory, log } = this.options;
    const trouble = new RecurringTrouble(log, {
      begins: 'whether jobs hang can not be seen',
      ends: 'whether jobs hang is seen again',
    });
    inventory.onRound(() => {
      if (this.busy) return;
      this.busy = true;
      void trouble.through(this.look()).finally(() => {
        this.busy = false;
      });
    });
  }

  private async look(): Promise<void> {
    const { tasks } = this.options;
    await tasks.refresh();
    const running = tasks.records.filter(({ state }) => state === 'running').map(runningJob);
    const names = new Set(running.map(nameOf));
    for (const name of this.jobs.keys()) if (!names.has(name)) this.jobs.delete(name);
    for (const job of running) await this.lookAt(job);
  }

  private async lookAt(job: RunningJob): Promise<void> {
    const policy = job.spec.hang ?? this.options.policy;
    if (policy.action === 'ignore') return;
    const { vigil: before, told, ended } = this.jobs.get(nameOf(job)) ?? UNKNOWN;
    const sight = await this.sightOf(job);
    const now = { vigil: watched(before, sight), told, ended };
    this.jobs.set(nameOf(job), now);
    if (!isToAct(suspicionOf(now.vigil, sight, policy), now)) return;
    // Folders of checkpoints may be large and far away: they are looked into only now.
    now.vigil = watched(before, { ...sight, checkpointAge: await this.checkpointAge(job) });
    const suspicion = suspicionOf(now.vigil, sight, policy);
    if (!suspicion) return;
    if (!now.told) await this.tell(job, suspicion);
    now.told = true;
    if (!suspicion.end) return;
    await this.end(job, suspicion);
    now.ended = true;
  }

  private async sightOf(job: RunningJob): Promise<Sight> {
    const { directories, inventory } = this.options;
    const open = job.placed.tasks.filter(({ rank }) => stateOf(job, rank) !== 'ended');
    const folders = open.map(({ rank }) => directories.task(job.id, job.attempt, rank));
    const traces = await Promise.all(folders.map(tracesIn));
    const utilisation = open.flatMap(({ devices }) =>
      devices.map((uuid) => {
        const load = inventory.reach(uuid) === 'ok' ? (inventory.newest(uuid)?.utilisation ?? null) : null;
        // Who shares a busy device needn't be the one that keeps it so.
        return job.spec.sharing !== null && load !== 0 ? null : load;
      }),
    );
    const ended = job.placed.tasks.find(({ rank }) => stateOf(job, rank) === 'ended');
    return {
      at: performance.now(),
      traces: traces.join(),
      utilisation,
      checkpointAge: null,
      endedRank: ended?.rank ?? null,
    };
  }

  private async checkpointAge({ id, spec }: RunningJob): Promise<number | null> {
    const newest = await newestChange(checkpointPlaces(this.options.directories, id, spec));
    return newest && Math.max(0, Date.now() - newest.at);
  }

  private async tell(job: RunningJob, { sentence, quietSeconds }: Suspicion): Promise<void> {
    const { ledger, log } = this.options;
    const detail = await this.stacks(job);
    log.warn({ job: job.id, quietSeconds }, 'a job seems to hang');
    await unlessEnded(ledger.notice(job.id, job.attempt, { code: 'hang', device: null, sentence, detail }));
  }

  private async end(job: RunningJob, { sentence }: Suspicion): Promise<void> {
    const cause: Cause = { code: 'hang', sentence, rank: null, exitCode: null, signal: null };
    await unlessEnded(this.options.ledger.stop(job.id, 'failed', cause, job.attempt));
  }

  /** Of the processes that are on its devices, or else of its commands. */
  private async stacks({ id, attempt, spec, placed }: RunningJob): Promise<string> {
    const { watch, directories } = this.options;
    const onDevices = placed.devices
      .flatMap(({ uuid }) => watch.useOf(uuid).processes ?? [])
      .filter(({ job }) => job === id)
      .map(({ pid }) => pid);
    const commands = placed.tasks.flatMap(
      ({ rank }) => readStartRecord(directories.task(id, attempt, rank))?.pid ?? [],
    );
    const pids = [...new Set(onDevices.length > 0 ? onDevices : commands)];
    const path = [spec.environment.PATH, process.env.PATH].filter(Boolean).join(':');
    return stacksOf(pids, path, spec.account === null ? null : accountNamed(spec.account));
  }
}

function runningJob(record: JobRecord): RunningJob {
  const attempt = Number(record.attempt);
  return {
    id: record.id as JobId,
    attempt,
    spec: specOf(record),
    placed: placedAttempt(record, attempt),
    record,
  };
}

/** Whether something is to be done that hasn't been done yet. */
const isToAct = (suspicion: Suspicion | null, { told, ended }: Watched): boolean =>
  suspicion !== null && (!told || (suspicion.end && !ended));

const nameOf = ({ id, attempt }: RunningJob): string => `${id}.${attempt}`;

const stateOf = ({ record, attempt }: RunningJob, rank: number): string | undefined =>
  record[`task:${attempt}:${rank}:state`];

/** Changes with all that a task writes into its folder. */
async function tracesIn(folder: string): Promise<string> {
  const metrics = await stat(join(folder, 'metrics.jsonl')).catch(() => null);
  return `${await openLog(folder).size()} ${metrics?.size ?? 0}`;
}

async function unlessEnded(done: Promise<unknown>): Promise<void> {
  try {
    await done;
  } catch (error) {
    if (!(error instanceof LedgerRefusal)) throw error;
  }
}
