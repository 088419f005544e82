import { whyNoRoom } from '../disk-room.js';
import { type UnavailableCode, whyUnavailable } from '../ledger/unavailable.js';
import type { ApiContext } from './context.js';

/** Why the daemon is not ready. */
export interface NotReady {
  /** `draining`: the daemon ends; `disk_full`: that of its data directory; `failed`: something that nobody thought of. */
  code: UnavailableCode | 'disk_full' | 'draining' | 'failed';
  sentence: string;
  /** Since when, as first noticed, in ms since the epoch. */
  since: number;
}

type Found = Omit<NotReady, 'since'> & { since?: number };

/** Whether the daemon can take jobs, and since when it can't. */
export class Readiness {
  private readonly context: Pick<ApiContext, 'ledger' | 'ledgerProblem' | 'directories' | 'shutdown'>;
  private noticed: NotReady | null = null;

  constructor(context: Readiness['context']) {
    this.context = context;
  }

  /** null: it is ready. Tries to write to the ledger, so it takes as long as that does: 5 s where Redis just fell silent. */
  async whyNot(): Promise<NotReady | null> {
    const found = await this.look();
    const before = this.noticed;
    this.noticed = found && {
      ...found,
      since: found.since ?? (before?.code === found.code ? before.since : Date.now()),
    };
    return this.noticed;
  }

  private async look(): Promise<Found | null> {
    const { ledger, directories, shutdown } = this.context;
    try {
      // First: the private Redis stops where it has no room.
      const noRoom = whyNoRoom(directories.jobs);
      if (noRoom !== null) return { code: 'disk_full', sentence: noRoom };
      const known = this.knownProblem();
      if (known) return known;
      await ledger.probe();
    } catch (error) {
      return (
        this.knownProblem() ??
        whyUnavailable(error as Error) ?? { code: 'failed', sentence: (error as Error).message }
      );
    }
    if (!shutdown.asked) return null;
    const sentence = `the daemon ends (jobs: ${shutdown.asked}); it takes jobs for the next one, and starts none`;
    return { code: 'draining', sentence };
  }

  private knownProblem(): Found | null {
    const problem = this.context.ledgerProblem();
    return problem && { ...problem, sentence: `${problem.sentence}. Running jobs go on` };
  }
}
