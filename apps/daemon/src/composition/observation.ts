import { Histories } from '../devices/histories.js';
import { ActivityMeter } from '../guard/activity-meter.js';
import { DeviceGuard, type GuardPolicy } from '../guard/device-guard.js';
import { DeviceWatch } from '../guard/device-watch.js';
import { EndingWatch } from '../guard/ending-watch.js';
import { HangWatch } from '../guard/hang-watch.js';
import { QuickFailures } from '../guard/quick-failures.js';
import { RunningTasks } from '../guard/running-tasks.js';
import { processesOf } from '../guard/task-processes.js';
import { InsightKeeper } from '../insight/insight-keeper.js';
import { Insights } from '../insight/insights.js';
import { DeviceBookView } from '../ledger/device-book-view.js';
import type { Ground } from './ground.js';

/** What is seen of devices and of the jobs on them. */
export interface Observation {
  readonly histories: Histories;
  readonly book: DeviceBookView;
  readonly tasks: RunningTasks;
  readonly watch: DeviceWatch;
  readonly insights: Insights;
  readonly policy: GuardPolicy;
}

/** Watches devices and jobs, and acts on what it sees: from the driver to a decision, as ARCHITECTURE.md has it. */
export function observe(ground: Ground): Observation {
  const { config, directories, inventory, ledger, feed, endings, log } = ground;
  const { node, trespass, memoryExceeded, foreignMemoryLimit } = config;
  const histories = new Histories();
  const book = new DeviceBookView(ledger, feed);
  const tasks = new RunningTasks(ledger, directories, feed, node);
  const activity = new ActivityMeter(ledger.usage, log);
  activity.start();
  endings.add(() => activity.close());
  endings.add(() => inventory.close());
  const watch = new DeviceWatch({ inventory, book, tasks, histories, activity, log });
  const foreignLimitBytes = foreignMemoryLimit === 'ignore' ? null : foreignMemoryLimit;
  const policy = { foreignLimitBytes, trespass, memoryExceeded };
  new DeviceGuard({ inventory, watch, book, ledger, policy, log }).start();
  new HangWatch({ inventory, tasks, watch, ledger, directories, policy: config.hang, log }).start();
  const failures = new QuickFailures(config.quickFailures);
  new EndingWatch({ ledger, failures, histories, node, log }).start(feed);
  const insights = new Insights(directories, ({ job, attempt, rank }) => {
    const task = tasks.tasks.find(
      (each) => each.job === job && each.attempt === attempt && each.rank === rank,
    );
    return task ? processesOf(task) : [];
  });
  const insightKeeper = new InsightKeeper(insights, () => tasks.tasks, log);
  insightKeeper.start();
  endings.add(() => insightKeeper.close());
  return { histories, book, tasks, watch, insights, policy };
}
