import type { Redis } from 'ioredis';
import { whatIsWrong } from './identity.js';
import { KEYS } from './keys.js';

const LOOK_EVERY_MS = 1000;
/** A Redis that died is started again within a second: that is no trouble yet. */
const LONGEST_SILENCE_MS = 2500;

/** Why the ledger can't be asked. */
export interface LedgerProblem {
  sentence: string;
  /** Since when, in ms since the epoch. */
  since: number;
}

/** Looks all the time whether Redis answers, and whether it still holds the ledger. */
export class LedgerWatch {
  private readonly redis: Redis;
  private readonly identity: string;
  private readonly file: string;
  private readonly countTasks: () => number;
  private readonly onIdentity: (isThere: boolean) => void;
  private wrong: LedgerProblem | null = null;
  private answeredAt = Date.now();
  private timer: NodeJS.Timeout | null = null;

  constructor(options: {
    redis: Redis;
    identity: string;
    /** Where the data directory remembers the identity. */
    file: string;
    /** How many tasks run, whatever Redis says. */
    countTasks: () => number;
    /** Told when Redis holds the ledger no more, and when it does again. */
    onIdentity: (isThere: boolean) => void;
  }) {
    this.redis = options.redis;
    this.identity = options.identity;
    this.file = options.file;
    this.countTasks = options.countTasks;
    this.onIdentity = options.onIdentity;
  }

  /** null: all is well, as of a second ago. */
  get problem(): LedgerProblem | null {
    if (this.wrong) return this.wrong;
    if (Date.now() - this.answeredAt < LONGEST_SILENCE_MS) return null;
    const seconds = Math.round((Date.now() - this.answeredAt) / 1000);
    const sentence = `Redis has not answered for ${seconds} s, so Berth can neither read nor change anything now`;
    return { sentence, since: this.answeredAt };
  }

  start(): void {
    let busy = false;
    this.timer = setInterval(() => {
      if (busy) return;
      busy = true;
      this.look()
        .catch(() => undefined) // No answer: then `answeredAt` grows old.
        .finally(() => {
          busy = false;
        });
    }, LOOK_EVERY_MS);
  }

  close(): void {
    if (this.timer) clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    const found = await this.redis.get(KEYS.identity);
    this.answeredAt = Date.now();
    const sentence =
      found === this.identity ? null : whatIsWrong(this.identity, found, this.file, this.countTasks());
    const before = this.wrong;
    this.wrong = sentence === null ? null : { sentence, since: before?.since ?? Date.now() };
    if ((before === null) !== (this.wrong === null)) this.onIdentity(this.wrong === null);
  }
}
