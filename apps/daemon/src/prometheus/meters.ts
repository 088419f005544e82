import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';

/** From a second to a week. */
const LONG_BUCKETS = [1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 86_400, 3 * 86_400, 7 * 86_400];
/** From half a millisecond to a second. */
const SHORT_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];
/** How often the event loop's lag is looked at: more often costs an idle daemon more than it tells. */
const LAG_EVERY_MS = 50;

/** Counts what this daemon does, from its start on. Times in seconds. */
export class Meters {
  readonly registry = new Registry();
  private readonly decisions: Histogram;
  private readonly placements: Counter;
  private readonly preemptions: Counter;
  private readonly refusals: Counter;
  private readonly requestRefusals: Counter<'code' | 'access'>;
  private readonly waits: Histogram;
  private readonly runs: Histogram<'outcome'>;
  private readonly transitions: Histogram<'transition'>;
  private readonly restarts: Counter<'process'>;
  private readonly notices: Counter<'code'>;

  constructor() {
    const { registry } = this;
    const registers = [registry];
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_EVERY_MS });
    // Gauges that are called totals: promtool minds, and the ones by type say the same.
    for (const kind of ['handles', 'requests', 'resources'])
      registry.removeSingleMetric(`nodejs_active_${kind}_total`);
    this.decisions = new Histogram({
      name: 'berth_scheduler_decision_seconds',
      help: 'How long a decision about the whole queue took.',
      buckets: SHORT_BUCKETS,
      registers,
    });
    const count = (name: string, help: string) => new Counter({ name, help, registers });
    this.placements = count('berth_scheduler_placements_total', 'Jobs that were given devices.');
    this.preemptions = count('berth_scheduler_preemptions_total', 'Jobs that were told to give way.');
    this.refusals = count(
      'berth_scheduler_refusals_total',
      'Decisions that the ledger refused, since things had changed meanwhile.',
    );
    this.requestRefusals = new Counter({
      name: 'berth_ledger_refusals_total',
      help: "Requests that were refused since the ledger couldn't be asked: why, and whether they were to read or to write.",
      labelNames: ['code', 'access'],
      registers,
    });
    this.restarts = new Counter({
      name: 'berth_process_restarts_total',
      help: 'Processes of Berth that had died and were started again.',
      labelNames: ['process'],
      registers,
    });
    for (const process of ['worker', 'redis'] as const) this.restarts.inc({ process }, 0);
    this.notices = new Counter({
      name: 'berth_job_notices_total',
      help: 'What the owners of running jobs were told of, by its code.',
      labelNames: ['code'],
      registers,
    });
    this.waits = new Histogram({
      name: 'berth_job_wait_seconds',
      help: 'From submission to the first placement, whatever was waited for.',
      buckets: LONG_BUCKETS,
      registers,
    });
    this.runs = new Histogram({
      name: 'berth_attempt_run_seconds',
      help: 'From placement until the devices were free again; outcome: what became of the job then.',
      labelNames: ['outcome'],
      buckets: LONG_BUCKETS,
      registers,
    });
    this.transitions = new Histogram({
      name: 'berth_ledger_transition_seconds',
      help: 'How long a change of the ledger took to be answered, by its script.',
      labelNames: ['transition'],
      buckets: SHORT_BUCKETS,
      registers,
    });
  }

  /** A process of Berth had died, and was started again. */
  restarted(process: 'worker' | 'redis'): void {
    this.restarts.inc({ process });
  }

  /** Something was told to a job's owner. */
  noticed(code: string): void {
    this.notices.inc({ code });
  }

  decided(seconds: number): void {
    this.decisions.observe(seconds);
  }

  placed(waited: number | null): void {
    this.placements.inc();
    if (waited !== null) this.waits.observe(waited);
  }

  displaced(): void {
    this.preemptions.inc();
  }

  refused(): void {
    this.refusals.inc();
  }

  /** Since the ledger could not be asked. */
  refusedRequest(code: string, access: 'read' | 'write'): void {
    this.requestRefusals.inc({ code, access });
  }

  ended(outcome: string, ran: number): void {
    this.runs.observe({ outcome }, ran);
  }

  changedLedger(transition: string, seconds: number): void {
    this.transitions.observe({ transition }, seconds);
  }
}
