import { byNode, DEFAULT_POLICY, type SchedulableDevice } from '@berth/scheduler';
import type { Policy, Start } from './policies.js';
import type { TraceJob } from './trace.js';

interface Held {
  readonly job: TraceJob;
  readonly since: number;
}

/** Devices that are kept for the first in line. */
interface Reservation {
  readonly devices: ReadonlySet<string>;
  /** When it can start, as planned, in seconds. */
  readonly from: number;
}

/** Jobs of the same size, limit and priority, oldest first; `next` is the first that hasn't started. */
interface Line {
  readonly jobs: TraceJob[];
  next: number;
}

/**
 * By priority, then submission; whoever is first waits, and everybody behind. With backfill, others may pass the first one
 * where they don't delay it: on devices that it doesn't need, or if their time limits end them before it could start (EASY; Lifka,
 * "The ANL/IBM SP Scheduling System", 1995). Places as Berth does, so that only the order differs.
 */
export class FifoPolicy implements Policy {
  private readonly nodes: readonly (readonly string[])[];
  private readonly backfill: boolean;
  private readonly held = new Map<string, Held>();
  private readonly devicesOf = new Map<TraceJob, readonly string[]>();
  private readonly lines = new Map<string, Line>();

  constructor(devices: readonly SchedulableDevice[], { backfill }: { backfill: boolean }) {
    this.nodes = byNode(devices).map((node) => node.map(({ uuid }) => uuid));
    this.backfill = backfill;
  }

  submitted(job: TraceJob): void {
    const key = `${job.priority}/${job.gpus}/${job.timeLimit}`;
    const line = this.lines.get(key);
    if (line) line.jobs.push(job);
    else this.lines.set(key, { jobs: [job], next: 0 });
  }

  ended(job: TraceJob): void {
    for (const uuid of this.devicesOf.get(job) ?? []) this.held.delete(uuid);
    this.devicesOf.delete(job);
  }

  decide(now: number): Start[] {
    const starts: Start[] = [];
    const lines = new Set(this.lines.values());
    let reservation: Reservation | null = null;
    for (let line = firstOf(lines); line; line = firstOf(lines)) {
      const job = line.jobs[line.next] as TraceJob;
      const devices = this.place(job, now, reservation);
      if (devices) {
        starts.push(this.start(job, devices, now));
        this.advance(line);
        if (line.next === line.jobs.length) lines.delete(line);
        continue;
      }
      if (!this.backfill) break;
      reservation ??= this.reserve(job, now);
      // What the first of a line can't have, none behind it can.
      lines.delete(line);
    }
    return starts;
  }

  private place(
    { gpus, timeLimit }: TraceJob,
    now: number,
    reservation: Reservation | null,
  ): readonly string[] | null {
    const inTime = reservation && timeLimit !== null && now + timeLimit <= reservation.from;
    let best: string[] | null = null;
    for (const node of this.nodes) {
      const free = node.filter(
        (uuid) => !this.held.has(uuid) && (!reservation || inTime || !reservation.devices.has(uuid)),
      );
      if (free.length >= gpus && (!best || free.length < best.length)) best = free;
    }
    return best?.slice(0, gpus) ?? null;
  }

  private start(job: TraceJob, devices: readonly string[], now: number): Start {
    for (const uuid of devices) this.held.set(uuid, { job, since: now });
    this.devicesOf.set(job, devices);
    return { job, devices };
  }

  private advance(line: Line): void {
    line.next += 1;
    const { priority, gpus, timeLimit } = line.jobs[0] as TraceJob;
    if (line.next === line.jobs.length) this.lines.delete(`${priority}/${gpus}/${timeLimit}`);
  }

  /** On the node where there will be enough first. */
  private reserve({ gpus }: TraceJob, now: number): Reservation {
    let best: Reservation | null = null;
    for (const node of this.nodes) {
      if (node.length < gpus) continue;
      const soonest = node
        .map((uuid) => ({ uuid, at: this.freeAt(uuid, now) }))
        .sort((one, other) => one.at - other.at)
        .slice(0, gpus);
      const from = soonest.at(-1)?.at as number;
      if (!best || from < best.from) best = { devices: new Set(soonest.map(({ uuid }) => uuid)), from };
    }
    if (!best) throw new Error(`no node has ${gpus} devices`);
    return best;
  }

  private freeAt(uuid: string, now: number): number {
    const held = this.held.get(uuid);
    if (!held) return now;
    const planned = held.since + (held.job.timeLimit ?? DEFAULT_POLICY.plannedSeconds);
    // One without a limit that has run for longer than was planned may go on as long again.
    return planned > now ? planned : now + (held.job.timeLimit === null ? DEFAULT_POLICY.plannedSeconds : 0);
  }
}

function firstOf(lines: ReadonlySet<Line>): Line | null {
  let best: Line | null = null;
  for (const line of lines) if (!best || goesBefore(line, best)) best = line;
  return best;
}

function goesBefore(one: Line, other: Line): boolean {
  const [a, b] = [one.jobs[one.next] as TraceJob, other.jobs[other.next] as TraceJob];
  return a.priority !== b.priority ? a.priority > b.priority : a.number < b.number;
}
