import { CONTROLLERS } from '@berth/task-shim';
import { z } from 'zod';

/**
 * The variable by which a worker is told them, as JSON. No argument: those everybody on the host may read, and the address of
 * Redis may hold a password.
 */
export const WORKER_OPTIONS = 'BERTH_WORKER_OPTIONS';

/** What a worker is told by the daemon that starts it. */
export const WorkerOptionsSchema = z.strictObject({
  node: z.string(),
  device: z.string(),
  /** Of which code and settings it is; see workers/generation.ts. */
  generation: z.string(),
  dataDirectory: z.string(),
  redis: z.union([z.strictObject({ path: z.string() }), z.strictObject({ url: z.string() })]),
  /** Which ledger its tasks are in. */
  ledger: z.string(),
  /** Where tasks get control groups; null: nowhere. */
  groups: z.strictObject({ directory: z.string(), controllers: z.array(z.enum(CONTROLLERS)) }).nullable(),
  logLimit: z.int(),
  logLevel: z.string(),
});
export type WorkerOptions = z.infer<typeof WorkerOptionsSchema>;
