import { liveTasks } from '../data-directory.js';
import { LedgerWatch } from '../ledger/ledger-watch.js';
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
      log.warn('the ledger is back in Redis');
      await readAnew().catch((error: unknown) => {
        log.error({ error }, 'the ledger is back, and can not be used; trying again');
        throw error;
      });
    },
  });
  watch.start();
  endings.add(() => watch.close());
  return watch;
}
