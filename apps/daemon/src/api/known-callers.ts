import type { EventFeed } from '../ledger/event-feed.js';
import type { LedgerProblem } from '../ledger/ledger-watch.js';
import { whyUnavailable } from '../ledger/unavailable.js';
import { type Caller, namesOf } from './caller.js';
import { LedgerUnavailable } from './problem.js';

/** Finds out who is behind a key: by asking the ledger, or as was heard from it before. */
export type LetIn = (key: string, ask: () => Promise<Caller>) => Promise<Caller>;

/** Those who came last are remembered. */
const MOST = 1000;

/**
 * Remembers whom the ledger has let in, for while it can't be asked: what is answered from memory then is shown to those who were
 * let in before, until their token expires. Who was kept out since then, as far as it was heard of here, is not among them.
 */
export class KnownCallers {
  private readonly callers = new Map<string, Caller>();
  private readonly ledgerProblem: () => LedgerProblem | null;

  constructor(feed: Pick<EventFeed, 'listen'>, ledgerProblem: () => LedgerProblem | null) {
    this.ledgerProblem = ledgerProblem;
    feed.listen((events) => {
      for (const { type, user, more } of events) {
        if (type === 'user.changed' && user !== undefined) this.forget(more ?? user);
      }
    });
  }

  /**
   * @param key by what they are known: their token's digest, or their account
   * @param mayBeOld whether it will do to have been let in before, where the ledger can't be asked
   * @param ask who that is, as the ledger says
   * @throws what `ask` throws; LedgerUnavailable
   */
  async of(key: string, mayBeOld: boolean, ask: () => Promise<Caller>): Promise<Caller> {
    const known = mayBeOld ? this.recall(key) : null;
    const problem = this.ledgerProblem();
    if (mayBeOld && problem) {
      if (known) return known;
      throw new LedgerUnavailable(problem);
    }
    try {
      const caller = await ask();
      this.callers.delete(key);
      this.callers.set(key, caller);
      if (this.callers.size > MOST) this.callers.delete(this.callers.keys().next().value as string);
      return caller;
    } catch (error) {
      if (!whyUnavailable(error as Error)) this.callers.delete(key);
      else if (known) return known;
      throw error;
    }
  }

  private recall(key: string): Caller | null {
    const known = this.callers.get(key);
    return known && (known.expiresAt ?? Number.POSITIVE_INFINITY) > Date.now() ? known : null;
  }

  private forget(name: string): void {
    for (const [key, caller] of this.callers) if (namesOf(caller).includes(name)) this.callers.delete(key);
  }
}
