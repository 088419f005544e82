import { inOrder, type Trace, type TraceJob } from './trace.js';

/** Makes traces readable in tests: what isn't said is one device for ten seconds at once, without a time limit. */
export const traceOf = (...jobs: readonly Partial<Omit<TraceJob, 'number'>>[]): Trace =>
  inOrder(
    jobs.map((job) => ({
      submit: 0,
      user: 'ada',
      gpus: 1,
      duration: 10,
      timeLimit: null,
      priority: 0,
      ...job,
    })),
  );
