import { setTimeout as after } from 'node:timers/promises';
import type { JobId } from '@berth/contract';
import {
  type Context,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import type { Logger } from 'pino';
import type { EventFeed } from '../ledger/event-feed.js';
import type { Ledger } from '../ledger/ledger.js';
import { RecurringTrouble } from '../recurring-trouble.js';
import { type JobSpan, spansOf } from './job-spans.js';

const LONGEST_FAREWELL_MS = 2000;

/**
 * Sends a trace of each job that ends to a collector of OpenTelemetry (OTLP over HTTP). It is made of what the ledger has then, so it is
 * whole whatever was restarted meanwhile. What a collector doesn't take in time is lost; jobs never wait for it.
 */
export class JobTraces {
  private readonly provider: BasicTracerProvider;
  private readonly tracer: Tracer;
  private readonly ledger: Pick<Ledger, 'job'>;
  private readonly log: Logger;
  private reading: Promise<void> = Promise.resolve();

  private constructor(provider: BasicTracerProvider, ledger: Pick<Ledger, 'job'>, log: Logger) {
    this.provider = provider;
    this.tracer = provider.getTracer('berth');
    this.ledger = ledger;
    this.log = log;
  }

  /**
   * Loads what it takes, which nobody pays for who has no collector.
   * @param options.url where the collector takes traces, such as `http://127.0.0.1:4318/v1/traces`
   * @param options.node this host's name in Berth
   */
  static async open(options: {
    url: string;
    node: string;
    ledger: Pick<Ledger, 'job'>;
    log: Logger;
  }): Promise<JobTraces> {
    const { url, node, ledger, log } = options;
    const [{ OTLPTraceExporter }, { BasicTracerProvider, BatchSpanProcessor }, { resourceFromAttributes }] =
      await Promise.all([
        import('@opentelemetry/exporter-trace-otlp-http'),
        import('@opentelemetry/sdk-trace-base'),
        import('@opentelemetry/resources'),
      ]);
    const trouble = new RecurringTrouble(log, {
      begins: 'traces could not be sent',
      ends: null,
    });
    const say = (text: string): void => trouble.tell(new Error(messageIn(text)), { url });
    const quiet = () => undefined;
    diag.setLogger({ error: say, warn: say, info: quiet, debug: quiet, verbose: quiet }, DiagLogLevel.WARN);
    const provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'berth', 'host.name': node }),
      spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))],
    });
    return new JobTraces(provider, ledger, log);
  }

  start(feed: EventFeed): void {
    feed.listen((events) => {
      for (const { type, job } of events) if (type === 'job.ended') this.trace(job as JobId);
    });
  }

  /** Sends what is left; a collector that doesn't answer is not waited for long. */
  async close(): Promise<void> {
    const sent = this.reading.then(() => this.provider.shutdown()).catch(() => undefined);
    await Promise.race([sent, after(LONGEST_FAREWELL_MS, undefined, { ref: false })]);
  }

  private trace(id: JobId): void {
    this.reading = this.reading
      .then(async () => {
        const job = await this.ledger.job(id);
        if (job) this.send(spansOf(job), ROOT_CONTEXT);
      })
      .catch((error: unknown) =>
        this.log.warn({ job: id, error: (error as Error).message }, 'a job has no trace'),
      );
  }

  private send({ name, from, until, attributes, failure, children }: JobSpan, parent: Context): void {
    const span = this.tracer.startSpan(name, { startTime: from, attributes }, parent);
    if (failure !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
    for (const child of children) this.send(child, trace.setSpan(parent, span));
    span.end(until);
  }
}

/** OpenTelemetry tells of errors as JSON, with their stack; the message is enough. */
function messageIn(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text;
  }
}
