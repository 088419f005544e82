import { createHash } from 'node:crypto';
import type { GroupId, JobId } from '@berth/contract';
import type { JobSpec } from '../ledger/record.js';
import type { NewJob } from '../ledger/submission.js';

type Parameters = NonNullable<JobSpec['group']>['parameters'];

/** Every combination of the values of a matrix, the last parameter changing fastest. */
export function combinations(matrix: Record<string, readonly Parameters[string][]>): Parameters[] {
  return Object.entries(matrix).reduce<Parameters[]>(
    (before, [name, values]) =>
      before.flatMap((parameters) => values.map((value) => ({ ...parameters, [name]: value }))),
    [{}],
  );
}

/**
 * A job of a sweep: the template, with `{name}` replaced wherever people write text. Other braces stay as they are, for shells,
 * JSON and Python are full of them.
 */
export function withParameters<Job extends Pick<NewJob, 'name' | 'spec'>>(
  template: Job,
  parameters: Parameters,
): Job {
  const fill = (text: string): string =>
    text.replace(/\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (braces, name: string) =>
      Object.hasOwn(parameters, name) ? String(parameters[name]) : braces,
    );
  const { spec } = template;
  const environment = Object.entries(spec.environment).map(([name, value]) => [name, fill(value)]);
  const told = Object.entries(parameters).map(([name, value]) => [`BERTH_PARAM_${name}`, String(value)]);
  return {
    ...template,
    name: fill(template.name),
    spec: {
      ...spec,
      command: spec.command?.map(fill) ?? null,
      script: spec.script === null ? null : fill(spec.script),
      checkpointPath: spec.checkpointPath === null ? null : fill(spec.checkpointPath),
      environment: Object.fromEntries([...environment, ...told]) as Record<string, string>,
    },
  };
}

/** The id of a group's job: it follows from the group's, so that the same job has the same id when it is sent again. */
export function memberId(group: GroupId, index: number): JobId {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
  const time = group.slice('grp_'.length, 'grp_'.length + 9);
  const digest = createHash('sha256').update(`${group}/${index}`).digest();
  const tail = [...digest.subarray(0, 12)].map((byte) => alphabet[byte & 31]);
  return `job_${time}${tail.join('')}`;
}
