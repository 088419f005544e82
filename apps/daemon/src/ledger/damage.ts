import {
  ACTIVE_STATES,
  ConstraintsSchema,
  isEnded,
  type Job,
  type JobId,
  JobSchema,
  type JobState,
  LaunchSchema,
  type PendingReason,
} from '@berth/contract';
import type { Needs } from '@berth/scheduler';
import type { Logger } from 'pino';
import { z } from 'zod';
import { type JobRecord, jobFromRecord, type WaitingJob, waitingJob } from './record.js';

/** What a damaged record was of; from `device` on by the name of a device, of a process (`restarts`) or of a user (`usage`). */
export type DamagedKind =
  | 'job'
  | 'group'
  | 'schedule'
  | 'user'
  | 'token'
  | 'device'
  | 'drain'
  | 'obstacles'
  | 'xids'
  | 'restarts'
  | 'usage';

/** Something of the ledger that can't be read: somebody else has written there. */
export class DamagedRecord extends Error {
  override readonly name = 'DamagedRecord';
  readonly kind: DamagedKind;
  readonly id: string;
  readonly why: string;
  /** When it was noticed, in ms since the epoch. */
  readonly at = Date.now();

  constructor(kind: DamagedKind, id: string, why: string) {
    super(`${kind} ${id} can not be read (${why})`);
    this.kind = kind;
    this.id = id;
    this.why = why;
  }
}

/** What a person can do about it. */
export function adviceOn({ kind, id }: DamagedRecord): string {
  const whole =
    "an export has it whole (docs/operation.md, 'What can not be read'); put right, it goes on by itself";
  switch (kind) {
    case 'job':
      return `It is not listed, and nothing of it is started. berth cancel ${id} ends it where it waits; ${whole}`;
    case 'group':
      return `Its jobs go on, and can be cancelled one by one; mend it: ${whole}`;
    case 'schedule':
    case 'user':
    case 'token':
      return `It is not listed. Remove it and make it anew, or mend it: ${whole}`;
    case 'device':
    case 'obstacles':
      return 'Restart berthd, which looks at its devices anew';
    case 'drain':
      return `The device is kept from jobs: berth resume ${id} gives it back`;
    case 'xids':
    case 'restarts':
    case 'usage':
      return 'It counts as nothing; the next that is written there takes its place';
  }
}

/** What came to light of damage, and is there still as far as is known: the log tells of each once. */
export class Damages {
  private readonly log: Logger | null;
  private readonly found = new Map<string, DamagedRecord>();

  constructor(log: Logger | null = null) {
    this.log = log;
  }

  get all(): readonly DamagedRecord[] {
    return [...this.found.values()];
  }

  /** When it was noticed, in ms since the epoch. */
  since(kind: DamagedKind, id: string): number {
    return this.found.get(`${kind} ${id}`)?.at ?? Date.now();
  }

  note(damage: DamagedRecord): void {
    const key = `${damage.kind} ${damage.id}`;
    if (this.found.has(key)) return;
    this.found.set(key, damage);
    this.log?.error(`${damage.message}; it is left out, and all else goes on (berth doctor says what to do)`);
  }

  /** What of these can be read. Takes note of what can't, and of what can again. @param found by id; null: it isn't there */
  sift<Sound>(kind: DamagedKind, found: Iterable<readonly [string, Sound | DamagedRecord | null]>): Sound[] {
    const sound: Sound[] = [];
    for (const [id, each] of found) {
      if (each instanceof DamagedRecord) this.note(each);
      else this.settle(kind, id);
      if (each !== null && !(each instanceof DamagedRecord)) sound.push(each);
    }
    return sound;
  }

  /** The same of one. @throws DamagedRecord */
  demand<Sound>(kind: DamagedKind, id: string, found: Sound | DamagedRecord | null): Sound | null {
    const [sound] = this.sift(kind, [[id, found]]);
    if (found instanceof DamagedRecord) throw found;
    return sound ?? null;
  }

  /** It can be read, or is gone. */
  settle(kind: DamagedKind, id: string): void {
    if (this.found.size > 0 && this.found.delete(`${kind} ${id}`))
      this.log?.info(`${kind} ${id} is damaged no more`);
  }
}

const ACTIVE: ReadonlySet<JobState> = new Set(ACTIVE_STATES);

const AttemptSchema = z.string().regex(/^\d{1,9}$/, 'no number of an attempt');
const NeedsSchema: z.ZodType<Needs> = z.object({
  user: z.string(),
  priority: z.number(),
  gpus: z.number(),
  candidates: z.array(z.string()).nullable(),
  launch: LaunchSchema,
  constraints: ConstraintsSchema.nullable(),
  share: z.union([z.object({ memoryBytes: z.number() }), z.object({ slots: z.number() })]).nullable(),
  longestSeconds: z.number().nullable(),
  graceSeconds: z.number(),
  preemptible: z.boolean(),
  limitedGroup: z.object({ id: z.string(), maxParallel: z.number() }).nullable(),
});

const WaitingJobSchema: z.ZodType<WaitingJob> = z.object({
  needs: NeedsSchema,
  since: z.number(),
  held: z.boolean(),
  openDependencies: z.number(),
  notBefore: z.number().nullable(),
  avoid: z.array(z.string()),
  front: z.boolean(),
});

/** What an event says of a pending job; null: that can't be read, or is of an older version. */
export function waitingJobIn(json: string): WaitingJob | null {
  try {
    return WaitingJobSchema.safeParse(JSON.parse(json)).data ?? null;
  } catch {
    return null;
  }
}

/**
 * What is kept under an id, or why it can't be read.
 * @param own the id that it says itself
 * @param make throws where a part of it is missing
 * @param issueOf what is wrong with what was made; null: nothing
 */
export function readRecord<Thing>(
  kind: DamagedKind,
  { id, own }: { id: string; own: string | undefined },
  make: () => Thing,
  issueOf: (made: Thing) => string | null,
): Thing | DamagedRecord {
  const damaged = (why: string) => new DamagedRecord(kind, id, why);
  if (own !== id) return damaged(`it calls itself ${own ?? 'nothing'}`);
  try {
    const made = make();
    const issue = issueOf(made);
    return issue === null ? made : damaged(issue);
  } catch (error) {
    return damaged(`part of it is missing or cut: ${(error as Error).message}`);
  }
}

/**
 * The job that a hash holds, as the API shows it; or what of it can't be read, by the API or by anybody else.
 * @param id under which it is kept
 */
export function readJob(
  id: JobId,
  record: JobRecord,
  waiting: { reason: PendingReason | null; position: number | null },
): Job | DamagedRecord {
  return readRecord(
    'job',
    { id, own: record.id },
    () => jobFromRecord(record, waiting),
    (job) =>
      issueIn(AttemptSchema, record.attempt) ??
      issueIn(JobSchema, job) ??
      issueIn(WaitingJobSchema, waitingJob(record)) ??
      discordIn(job),
  );
}

/** What of a job doesn't go with its state; null: nothing. */
function discordIn({ state, endedAt, attempts }: Job): string | null {
  if (isEnded(state) && endedAt === null) return 'it has ended, but not when';
  return ACTIVE.has(state) && attempts.length === 0 ? `it is ${state} without an attempt` : null;
}

/**
 * What of a job's hash can't be read, in words; null: all that Berth reads of it can.
 * @param id under which it is kept
 */
export function damageOf(id: JobId, record: JobRecord): string | null {
  const job = readJob(id, record, { reason: null, position: null });
  return job instanceof DamagedRecord ? job.why : null;
}

/** The first that is wrong with a value; null: nothing. */
export function issueIn(schema: z.ZodType, value: unknown): string | null {
  const [issue] = schema.safeParse(value).error?.issues ?? [];
  return issue ? [issue.path.join('.'), issue.message].filter(Boolean).join(': ') : null;
}

/** Whether a hash of Redis is there at all. */
export const isThere = (hash: object): boolean => Object.keys(hash).length > 0;
