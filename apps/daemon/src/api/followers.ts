import { ApiProblem } from './problem.js';

const RETRY_AFTER_SECONDS = 5;

/** Counts the requests that stay open, for each holds a connection: who follows events or a log, or waits for a job. */
export class Followers {
  private readonly most: number;
  private there = 0;

  constructor(most: number) {
    this.most = most;
  }

  /** @returns what to call when it is over; calling it again does nothing @throws ApiProblem `too_many_followers` */
  enter(): () => void {
    if (this.there >= this.most) {
      const detail = `${this.most} requests follow or wait already, which is the most (the daemon's setting \`followers\`); try again when one of them has ended`;
      throw new ApiProblem('too_many_followers', detail, undefined, RETRY_AFTER_SECONDS);
    }
    this.there += 1;
    let inside = true;
    return () => {
      if (inside) this.there -= 1;
      inside = false;
    };
  }
}
