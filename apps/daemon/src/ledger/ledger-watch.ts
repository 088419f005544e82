import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { whatIsWrong } from './identity.js';
import { KEYS } from './keys.js';
import type { Unavailable } from './unavailable.js';

const LOOK_EVERY_MS = 1000;
/** How often it may find its last question without an answer: a Redis that died is started again within a second. */
const LOOKS_WITHOUT_ANSWER = 2;

/** Why the ledger can't be asked. */
export interface LedgerProblem extends Unavailable {
  /** Since when, in ms since the epoch. */
  since: number;
}

/** Looks all the time whether Redis answers, and whether it still holds the ledger. */
export class LedgerWatch {
  private readonly redis: Redis;
  private readonly identity: string;
  private readonly file: string;
  private readonly countTasks: () => number;
  private readonly whySilent: () => string | null;
  private readonly log: Logger;
  private readonly onIdentity: (isThere: boolean) => Promise<void>;
  private told = true;
  private wrong: LedgerProblem | null = null;
  private answeredAt = Date.now();
  /** Counted in looks, not in time: a daemon that was kept waiting itself must not blame Redis. */
  private unanswered = 0;
  private timer: NodeJS.Timeout | null = null;

  constructor(options: {
    redis: Redis;
    identity: string;
    /** Where the data directory remembers the identity. */
    file: string;
    /** How many tasks run, whatever Redis says. */
    countTasks: () => number;
    /** Why Redis gives no answer, with what to do; null: nobody here knows. */
    whySilent: () => string | null;
    log: Logger;
    /** Told when Redis holds the ledger no more, and when it does again; a second later again where that failed. */
    onIdentity: (isThere: boolean) => Promise<void>;
  }) {
    this.redis = options.redis;
    this.identity = options.identity;
    this.file = options.file;
    this.countTasks = options.countTasks;
    this.whySilent = options.whySilent;
    this.log = options.log;
    this.onIdentity = options.onIdentity;
  }

  /** null: all is well, as of a second ago. */
  get problem(): LedgerProblem | null {
    if (this.wrong) return this.wrong;
    if (this.unanswered < LOOKS_WITHOUT_ANSWER) return null;
    const silence = `Redis has not answered for ${this.silentSeconds} s, so Berth can neither read nor change anything now`;
    const sentence = [silence, this.whySilent()].filter((each) => each !== null).join('; ');
    return { code: 'unanswered', sentence, since: this.answeredAt };
  }

  start(): void {
    let busy = false;
    this.timer = setInterval(() => {
      if (busy) {
        this.unanswered += 1;
        if (this.unanswered === LOOKS_WITHOUT_ANSWER) this.log.error(this.problem?.sentence);
        return;
      }
      busy = true;
      this.look()
        .catch(() => undefined) // It isn't Redis that says so, but that the daemon ends.
        .finally(() => {
          busy = false;
        });
    }, LOOK_EVERY_MS);
  }

  close(): void {
    if (this.timer) clearInterval(this.timer);
  }

  private get silentSeconds(): number {
    return Math.round((Date.now() - this.answeredAt) / 1000);
  }

  /** Looks now. @returns what `problem` says after that. @throws where Redis can't be asked */
  async look(): Promise<LedgerProblem | null> {
    const found = await this.redis.get(KEYS.identity);
    if (this.unanswered >= LOOKS_WITHOUT_ANSWER)
      this.log.warn(`Redis answers again, after ${this.silentSeconds} s`);
    this.answeredAt = Date.now();
    this.unanswered = 0;
    const sentence =
      found === this.identity ? null : whatIsWrong(this.identity, found, this.file, this.countTasks());
    this.wrong =
      sentence === null ? null : { code: 'wrong_ledger', sentence, since: this.wrong?.since ?? Date.now() };
    const isThere = this.wrong === null;
    if (isThere !== this.told) {
      this.told = isThere;
      this.onIdentity(isThere).catch(() => {
        this.told = !isThere;
      });
    }
    return this.wrong;
  }
}
