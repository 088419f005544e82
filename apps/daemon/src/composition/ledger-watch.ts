import { liveTasks } from '../data-directory.js';
import { LedgerWatch } from '../ledger/ledger-watch.js';
import { RecurringTrouble } from '../recurring-trouble.js';
import type { SchedulerLoop } from '../scheduling/scheduler-loop.js';
import type { Ground } from './ground.js';

/**
 * Watches over the ledger: nothing is scheduled while Redis doesn't hold it.
 * @param readAnew what is to be done when it does again
 */
export function watchLedger(
  { directories, store, endings, log }: Ground,
  scheduler: SchedulerLoop,
  readAnew: () => Promise<void>,
): LedgerWatch {
  const trouble = new RecurringTrouble(log, {
    begins: 'the ledger is back, and can not be used; trying again',
    ends: 'the ledger can be used again',
    level: 'error',
  });
  const watch = new LedgerWatch({
    redis: store.redis,
    identity: store.identity,
    file: directories.ledgerIdentity,
    countTasks: () => liveTasks(directories).length,
    whySilent: () => store.privateRedis?.whySilent() ?? null,
    log,
    onIdentity: async (isThere) => {
      if (!isThere) {
        scheduler.suspend();
        log.fatal('the ledger is gone from Redis: nothing is scheduled; running jobs go on');
        return;
      }
      await readAnew().catch((error: unknown) => {
        trouble.tell(error);
        throw error;
      });
      trouble.over();
      log.warn('the ledger is back in Redis');
    },
  });
  watch.start();
  endings.add(() => watch.close());
  return watch;
}
