/** How soon after its start a job has failed that counts here. */
export const QUICK_SECONDS = 10;
/** Failures further apart than this are no row: somebody may be mending a script, run by run. */
const ROW_SECONDS = 60;

/** How one attempt ended on a device. */
export interface Ending {
  job: string;
  /** Seconds since any moment. */
  at: number;
  /** Whether it failed within seconds of starting, for a reason that may be the device's. */
  failedQuickly: boolean;
}

/**
 * Notices a device on which job after job fails as soon as it starts, before it eats the queue.
 *
 * Most often it is the jobs that are broken, so a device is suspected only as long as its peers are better: when the same
 * happens on another one, it is the jobs' fault.
 */
export class QuickFailures {
  /** The rows of failures, by device. */
  private readonly rows = new Map<string, { job: string; at: number }[]>();
  private readonly limit: number;

  /** @param limit how many different jobs have to fail in a row; 0: never suspect anything */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Whether any device has seen such a failure lately. */
  get suspects(): boolean {
    return this.rows.size > 0;
  }

  /** Takes note of an ending. @returns how many jobs have failed in a row, where that is reason to take the device out */
  note(device: string, { job, at, failedQuickly }: Ending): number | null {
    if (!failedQuickly) {
      this.rows.delete(device);
      return null;
    }
    const row = (this.rows.get(device) ?? []).filter(
      (failure) => failure.job !== job && at - failure.at <= ROW_SECONDS,
    );
    row.push({ job, at });
    this.rows.set(device, row);
    if (this.limit === 0 || row.length < this.limit || this.peersFail(device, at)) return null;
    this.rows.delete(device);
    return row.length;
  }

  /** Whether other devices have seen such failures just now. */
  private peersFail(device: string, at: number): boolean {
    return [...this.rows].some(
      ([peer, row]) => peer !== device && row.some((failure) => at - failure.at <= ROW_SECONDS),
    );
  }
}
