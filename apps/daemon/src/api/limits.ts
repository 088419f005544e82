import type { JobSubmission, Limits } from '@berth/contract';
import type { ApiContext } from './context.js';
import type { FieldErrors } from './problem.js';

/** By which controller of the kernel a limit is kept. */
const KEPT_BY = { memory: 'memory', cpus: 'cpu', processes: 'pids' } as const;

/**
 * A job's limits, with those of the settings where it names none; null: there are none.
 * @param errors gets those that it names and that this host can't keep
 */
export function limitsOf(
  { limits = {} }: JobSubmission,
  { limits: { setting, controllers } }: Pick<ApiContext, 'limits'>,
  errors: FieldErrors,
): Limits | null {
  for (const name of Object.keys(KEPT_BY) as (keyof typeof KEPT_BY)[]) {
    if (limits[name] === undefined || controllers.includes(KEPT_BY[name])) continue;
    const detail = `this host can't keep it: berthd has no control group with the ${KEPT_BY[name]} controller; berth doctor says why`;
    errors.push({ pointer: `#/limits/${name}`, detail });
  }
  const kept = (name: keyof typeof KEPT_BY): number | null =>
    limits[name] ?? (controllers.includes(KEPT_BY[name]) ? (setting[name] ?? null) : null);
  const all = { memoryBytes: kept('memory'), cpus: kept('cpus'), processes: kept('processes') };
  return Object.values(all).some((limit) => limit !== null) ? all : null;
}
