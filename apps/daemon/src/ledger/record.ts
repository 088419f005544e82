import type {
  AllocatedDevice,
  Attempt,
  Cause,
  CheckpointSignal,
  Code,
  Constraints,
  DependencyCondition,
  HangPolicy,
  Job,
  JobId,
  JobState,
  Launch,
  Limits,
  Notice,
  PendingReason,
  Retry,
  Sharing,
  SnapshotMode,
  Task,
  TimeLimitWarning,
  Webhook,
} from '@berth/contract';
import { shownWebhook } from '@berth/contract';
import type { Needs } from '@berth/scheduler';
import { checkpointOf, type TaskCheckpoint, withCheckpoint } from './checkpoint-view.js';

/** What was submitted, with every default filled in: the part of a job that never changes. */
export interface JobSpec {
  command: string[] | null;
  script: string | null;
  /** The Unix account that its processes run as; null: the daemon's own. */
  account: string | null;
  workingDirectory: string;
  snapshot: SnapshotMode | null;
  code: Code | null;
  environment: Record<string, string>;
  labels: Record<string, string>;
  gpus: number;
  devices: string | null;
  constraints: Constraints | null;
  sharing: Sharing | null;
  launch: Launch;
  timeLimit: number | null;
  gracePeriod: number;
  timeLimitWarning: TimeLimitWarning | null;
  /** null: as the settings have it. */
  hang: HangPolicy | null;
  limits: Limits | null;
  preemptible: boolean;
  checkpointSignal: CheckpointSignal | null;
  /** Absolute. */
  checkpointPath: string | null;
  /** The jobs that it was submitted to start after. */
  after: { job: JobId; number: number; on: DependencyCondition }[];
  onDependencyFailure: 'fail' | 'wait';
  retry: Retry | null;
  /** With their secrets, which nobody is shown. */
  notify: Webhook[];
  group: Job['group'];
  schedule: Job['schedule'];
}

/** What the scheduler has to know of a pending job, as the scripts say it (common.lua, waiting_of). */
export interface WaitingJob {
  needs: Needs;
  /** When it was submitted, in ms since the epoch. */
  since: number;
  held: boolean;
  openDependencies: number;
  /** ms since the epoch. */
  notBefore: number | null;
  /** UUIDs of devices on which it has just failed. */
  avoid: string[];
  /** Whether it goes before all others of its priority: it was preempted. */
  front: boolean;
}

/** What the scheduler decided of an attempt. */
export interface PlacedAttempt {
  node: string;
  devices: AllocatedDevice[];
  /** `devices` of the tasks as UUIDs, for the scripts that tell workers. */
  tasks: { rank: number; devices: string[] }[];
  masterPort: number | null;
  /** How many devices that is worth: parts of one count as parts. */
  gpus: number;
  /** What it declared of its device, and what that has in all; null: it has its devices to itself. */
  share: { bytes: number; of: number } | null;
}

/** How a task ended, as far as anybody knows. Times in ms since the epoch. */
export interface TaskEnding {
  endedAt: number;
  exitCode: number | null;
  signal: string | null;
  maxResidentBytes: number | null;
  /** Of all its processes together. */
  memoryPeakBytes?: number | null;
  cpuSeconds: number | null;
  /** How it took its checkpoint signal; null: it was sent none to end it. */
  checkpoint: TaskCheckpoint | null;
}

/** One job's hash in Redis. */
export type JobRecord = Record<string, string>;

/** A hash out of the flat list of names and values that scripts answer with. */
export function recordFromFields(fields: readonly string[]): JobRecord {
  const record: JobRecord = {};
  for (let i = 0; i < fields.length; i += 2) record[fields[i] as string] = fields[i + 1] as string;
  return record;
}

/** How long a job may hold its devices at the most. */
export function longestSeconds({
  timeLimit,
  gracePeriod,
}: Pick<JobSpec, 'timeLimit' | 'gracePeriod'>): number | null {
  return timeLimit === null ? null : timeLimit + gracePeriod;
}

const OLDER_SPEC = {
  notify: [],
  snapshot: null,
  code: null,
  account: null,
  constraints: null,
  sharing: null,
  schedule: null,
  timeLimitWarning: null,
  hang: null,
  limits: null,
  preemptible: false,
  checkpointSignal: null,
  checkpointPath: null,
};
const OLDER_NEEDS = {
  constraints: null,
  longestSeconds: null,
  share: null,
  preemptible: false,
  limitedGroup: null,
};

/** What was submitted; to an older version, less of it. */
export function specOf(record: JobRecord): JobSpec {
  const spec = JSON.parse(record.spec as string) as JobSpec;
  // Not spread into one another: for objects of that many fields that takes ten times as long as to parse them.
  for (const field in OLDER_SPEC)
    if (!(field in spec)) Object.assign(spec, { [field]: OLDER_SPEC[field as keyof typeof OLDER_SPEC] });
  return spec;
}

export function waitingJob(record: JobRecord): WaitingJob {
  const said = JSON.parse(record.needs as string) as Partial<Needs>;
  const { graceSeconds = specOf(record).gracePeriod } = said;
  const older = { ...OLDER_NEEDS, user: record.user as string, graceSeconds };
  return {
    needs: { ...older, ...said } as Needs,
    since: Number(record.submittedAt),
    held: record.held !== undefined,
    openDependencies: Number(record.openDependencies ?? 0),
    notBefore: record.notBefore === undefined ? null : Number(record.notBefore),
    avoid: parsed<string[]>(record.avoid) ?? [],
    front: record.front !== undefined,
  };
}

export function placedAttempt(record: JobRecord, attempt: number): PlacedAttempt {
  const placed = JSON.parse(record[`attempt:${attempt}`] as string) as PlacedAttempt;
  return { ...placed, gpus: placed.gpus ?? placed.devices.length, share: placed.share ?? null };
}

/** The job that a record holds, as the API shows it. */
export function jobFromRecord(
  record: JobRecord,
  waiting: { reason: PendingReason | null; position: number | null },
  spec: JobSpec = specOf(record),
): Job {
  const attempts = Array.from({ length: Number(record.attempt) }, (_, i) => attemptFromRecord(record, i + 1));
  const pending = record.state === 'pending';
  // What kept a job from starting for good stays noted, for a requeue.
  const isOpen = (other: string): boolean => pending && record[`after:${other}`] !== undefined;
  const after = spec.after.map((each) => ({ ...each, open: isOpen(each.job) }));
  return {
    id: record.id as string,
    number: Number(record.number),
    name: record.name as string,
    user: record.user as string,
    state: record.state as JobState,
    reason: pending ? (ownReason(record, after) ?? waiting.reason) : null,
    position: pending ? waiting.position : null,
    cause: parsed<Cause>(record.cause),
    ...spec,
    notify: spec.notify.map(shownWebhook),
    after,
    held: record.held !== undefined,
    startAfter: time(record.notBefore),
    retries: Number(record.retries ?? 0),
    priority: Number(record.priority),
    submittedAt: time(record.submittedAt) as string,
    startedAt: time(record.startedAt),
    endedAt: time(record.endedAt),
    attempts,
    deviceUse: null,
    notices: noticesOf(record),
  };
}

/** Why a job waits for reasons of its own, whatever devices there are; null: it has none. */
function ownReason(record: JobRecord, after: Job['after']): PendingReason | null {
  const notBefore = record.notBefore === undefined ? null : Number(record.notBefore);
  if (record.held !== undefined) return { code: 'held', sentence: 'it is held; release lets it go' };
  if (Number(record.openDependencies ?? 0) > 0) {
    const open = after.filter((each) => each.open).map(({ number, on }) => `job ${number} has ${on}`);
    const more = open.length > 3 ? ` and ${open.length - 3} more` : '';
    return { code: 'dependency', sentence: `waits until ${open.slice(0, 3).join(' and ')}${more}` };
  }
  if (notBefore === null || notBefore <= Date.now()) return null;
  const at = new Date(notBefore).toISOString();
  const retries = Number(record.retries ?? 0);
  if (retries === 0) return { code: 'start_after', sentence: `does not start before ${at}`, at };
  return { code: 'backoff', sentence: `failed and is tried again at ${at} (retry ${retries})`, at };
}

/** When the logs of an attempt went, by retention; null: they are there. */
export function logsRemovedAt(record: JobRecord | null, attempt: number): string | null {
  return time(record?.[`attempt:${attempt}:logsRemovedAt`]);
}

export function noticesOf({ notices }: JobRecord): Notice[] {
  if (!notices) return [];
  const said = JSON.parse(notices) as (Omit<Notice, 'at'> & { at: number })[];
  return said.map((notice) => ({
    ...notice,
    detail: notice.detail ?? null,
    at: new Date(notice.at).toISOString(),
  }));
}

function attemptFromRecord(record: JobRecord, number: number): Attempt {
  const placed = placedAttempt(record, number);
  const field = `attempt:${number}`;
  const checkpoint = checkpointOf(
    record,
    number,
    placed.tasks.map(({ rank }) => rank),
  );
  return {
    number,
    node: placed.node,
    devices: placed.devices,
    placedAt: time(record[`${field}:placedAt`]) as string,
    startedAt: time(record[`${field}:startedAt`]),
    stoppingAt: time(record[`${field}:stoppingAt`]),
    endedAt: time(record[`${field}:endedAt`]),
    cause: withCheckpoint(
      parsed<Cause>(record[`${field}:cause`]),
      checkpoint,
      specOf(record).checkpointPath !== null,
    ),
    checkpoint,
    tasks: placed.tasks.map((task) => taskFromRecord(record, number, task)),
  };
}

function taskFromRecord(
  record: JobRecord,
  attempt: number,
  { rank, devices }: PlacedAttempt['tasks'][0],
): Task {
  const field = `task:${attempt}:${rank}`;
  const ending = parsed<TaskEnding>(record[`${field}:ending`]);
  return {
    rank,
    devices,
    state: record[`${field}:state`] as Task['state'],
    pid: record[`${field}:pid`] ? Number(record[`${field}:pid`]) : null,
    startedAt: time(record[`${field}:startedAt`]),
    endedAt: ending ? new Date(ending.endedAt).toISOString() : null,
    exitCode: ending?.exitCode ?? null,
    signal: ending?.signal ?? null,
    maxResidentBytes: ending?.maxResidentBytes ?? null,
    memoryPeakBytes: ending?.memoryPeakBytes ?? null,
    cpuSeconds: ending?.cpuSeconds ?? null,
  };
}

function parsed<T>(json: string | undefined): T | null {
  return json ? (JSON.parse(json) as T) : null;
}

function time(milliseconds: string | undefined): string | null {
  return milliseconds ? new Date(Number(milliseconds)).toISOString() : null;
}
