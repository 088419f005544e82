/** How soon after its start a job has failed that counts here. */
export const QUICK_SECONDS = 10;
/** Failures further apart than this are no row: somebody may be mending a script, run by run. */
const ROW_SECONDS = 60;

/** How one attempt ended on a device. Times are in seconds since any moment. */
export interface Ending {
  job: string;
  startedAt: number;
  at: number;
  /** Whether it failed within seconds of starting, for a reason that may be the device's. */
  failedQuickly: boolean;
}

/**
 * Notices a device on which job after job fails as soon as it starts, before it eats the queue.
 *
 * Most often it is the jobs that are broken, so a device is suspected only by comparison: no other one has seen such a
 * failure lately, and on one of them a job has started since the first of the row failed, and got further than all of the row.
 */
export class QuickFailures {
  /** The rows of failures, by device. */
  private readonly rows = new Map<string, Ending[]>();
  /** When a device saw such a failure last: known also after its row has led to something. */
  private readonly lastFailure = new Map<string, number>();
  /** What was started in the last minute, and has not failed since. */
  private starts: { device: string; job: string; at: number }[] = [];
  private readonly limit: number;

  /** @param limit how many different jobs have to fail in a row; 0: never suspect anything */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Whether any device has seen such a failure lately. */
  get suspects(): boolean {
    return this.lastFailure.size > 0;
  }

  /** Takes note of a start. @param at seconds since the moment that endings count from */
  noteStart(device: string, job: string, at: number): void {
    this.starts = this.starts.filter((start) => at - start.at <= ROW_SECONDS);
    this.starts.push({ device, job, at });
  }

  /** Takes note of an attempt that did not get on: its start tells nothing good of its device. */
  noteRetry(job: string): void {
    this.starts = this.starts.filter((start) => start.job !== job);
  }

  /** Takes note of an ending. @returns how many jobs have failed in a row, where that is reason to take the device out */
  note(device: string, ending: Ending): number | null {
    const { job, at, failedQuickly } = ending;
    if (!failedQuickly) {
      this.rows.delete(device);
      this.lastFailure.delete(device);
      return null;
    }
    this.noteRetry(job);
    this.lastFailure.set(device, at);
    const row = (this.rows.get(device) ?? []).filter(
      (failure) => failure.job !== job && at - failure.at <= ROW_SECONDS,
    );
    row.push(ending);
    this.rows.set(device, row);
    if (this.limit === 0 || row.length < this.limit) return null;
    if (this.peersFail(device, at) || !this.peersGetFurther(device, row)) return null;
    this.rows.delete(device);
    return row.length;
  }

  /** Whether other devices have seen such failures just now. */
  private peersFail(device: string, at: number): boolean {
    return [...this.lastFailure].some(([peer, last]) => peer !== device && at - last <= ROW_SECONDS);
  }

  private peersGetFurther(device: string, row: readonly Ending[]): boolean {
    const since = Math.min(...row.map(({ at }) => at));
    const now = Math.max(...row.map(({ at }) => at));
    const longest = Math.max(...row.map(({ startedAt, at }) => at - startedAt));
    return this.starts.some((peer) => peer.device !== device && peer.at >= since && now - peer.at > longest);
  }
}
