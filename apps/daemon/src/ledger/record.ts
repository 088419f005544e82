import type {
  AllocatedDevice,
  Attempt,
  Cause,
  Job,
  JobState,
  Launch,
  Notice,
  PendingReason,
  Task,
} from '@berth/contract';
import type { Needs } from '@berth/scheduler';

/** What was submitted, with every default filled in: the part of a job that never changes. */
export interface JobSpec {
  command: string[] | null;
  script: string | null;
  workingDirectory: string;
  environment: Record<string, string>;
  labels: Record<string, string>;
  gpus: number;
  devices: string | null;
  launch: Launch;
  timeLimit: number | null;
  gracePeriod: number;
}

export interface PlacedTask {
  rank: number;
  /** In the order in which the task sees them; its worker is the first one's. */
  devices: AllocatedDevice[];
}

/** What the scheduler decided of an attempt. */
export interface PlacedAttempt {
  node: string;
  devices: AllocatedDevice[];
  /** `devices` of the tasks as UUIDs, for the scripts that tell workers. */
  tasks: { rank: number; devices: string[] }[];
  masterPort: number | null;
}

/** How a task ended, as far as anybody knows. Times in ms since the epoch. */
export interface TaskEnding {
  endedAt: number;
  exitCode: number | null;
  signal: string | null;
  maxResidentBytes: number | null;
  cpuSeconds: number | null;
}

/** One job's hash in Redis. */
export type JobRecord = Record<string, string>;

/** A hash out of the flat list of names and values that scripts answer with. */
export function recordFromFields(fields: readonly string[]): JobRecord {
  const record: JobRecord = {};
  for (let i = 0; i < fields.length; i += 2) record[fields[i] as string] = fields[i + 1] as string;
  return record;
}

export function specOf(record: JobRecord): JobSpec {
  return JSON.parse(record.spec as string) as JobSpec;
}

export function needsOf(record: JobRecord): Needs {
  return JSON.parse(record.needs as string) as Needs;
}

export function placedAttempt(record: JobRecord, attempt: number): PlacedAttempt {
  return JSON.parse(record[`attempt:${attempt}`] as string) as PlacedAttempt;
}

/** The job that a record holds, as the API shows it. */
export function jobFromRecord(
  record: JobRecord,
  waiting: { reason: PendingReason | null; position: number | null },
): Job {
  const spec = specOf(record);
  const attempts = Array.from({ length: Number(record.attempt) }, (_, i) => attemptFromRecord(record, i + 1));
  const pending = record.state === 'pending';
  return {
    id: record.id as string,
    number: Number(record.number),
    name: record.name as string,
    user: record.user as string,
    state: record.state as JobState,
    reason: pending ? waiting.reason : null,
    position: pending ? waiting.position : null,
    cause: parsed<Cause>(record.cause),
    ...spec,
    priority: Number(record.priority),
    submittedAt: time(record.submittedAt) as string,
    startedAt: time(record.startedAt),
    endedAt: time(record.endedAt),
    attempts,
    deviceUse: null,
    notices: noticesOf(record),
  };
}

function noticesOf({ notices }: JobRecord): Notice[] {
  if (!notices) return [];
  const said = JSON.parse(notices) as (Omit<Notice, 'at'> & { at: number })[];
  return said.map((notice) => ({ ...notice, at: new Date(notice.at).toISOString() }));
}

function attemptFromRecord(record: JobRecord, number: number): Attempt {
  const placed = placedAttempt(record, number);
  const field = `attempt:${number}`;
  return {
    number,
    node: placed.node,
    devices: placed.devices,
    placedAt: time(record[`${field}:placedAt`]) as string,
    startedAt: time(record[`${field}:startedAt`]),
    endedAt: time(record[`${field}:endedAt`]),
    cause: parsed<Cause>(record[`${field}:cause`]),
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
    cpuSeconds: ending?.cpuSeconds ?? null,
  };
}

function parsed<T>(json: string | undefined): T | null {
  return json ? (JSON.parse(json) as T) : null;
}

function time(milliseconds: string | undefined): string | null {
  return milliseconds ? new Date(Number(milliseconds)).toISOString() : null;
}
