import { z } from 'zod';

/** What a worker is told by the daemon that starts it: one JSON argument. */
export const WorkerOptionsSchema = z.strictObject({
  node: z.string(),
  device: z.string(),
  dataDirectory: z.string(),
  redis: z.union([z.strictObject({ path: z.string() }), z.strictObject({ url: z.string() })]),
  /** Which ledger its tasks are in. */
  ledger: z.string(),
  logLimit: z.int(),
  logLevel: z.string(),
});
export type WorkerOptions = z.infer<typeof WorkerOptionsSchema>;
