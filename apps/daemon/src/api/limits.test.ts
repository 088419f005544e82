import type { JobSubmission } from '@berth/contract';
import { expect, it } from 'vitest';
import { limitsOf } from './limits.js';
import type { FieldErrors } from './problem.js';

const ALL = ['memory', 'cpu', 'pids'];

function asked(limits: JobSubmission['limits'], setting: object, controllers: string[]) {
  const errors: FieldErrors = [];
  const kept = limitsOf({ limits } as JobSubmission, { limits: { setting, controllers } }, errors);
  return { kept, errors: errors.map(({ pointer }) => pointer) };
}

it.each([
  ['nothing said', undefined, {}, ALL, null, []],
  ['its own', { cpus: 2 }, {}, ALL, { memoryBytes: null, cpus: 2, processes: null }, []],
  [
    'its own before those of the settings',
    { cpus: 2 },
    { cpus: 1, processes: 9 },
    ALL,
    { memoryBytes: null, cpus: 2, processes: 9 },
    [],
  ],
  ['what the settings want and the host can not keep', undefined, { memory: 5 }, ['pids'], null, []],
])('limits: %s', (_, own, setting, controllers, kept, errors) => {
  expect(asked(own, setting, controllers)).toEqual({ kept, errors });
});

it('what a job names and the host can not keep is refused, by name', () => {
  expect(asked({ memory: 5, processes: 3 }, {}, ['pids']).errors).toEqual(['#/limits/memory']);
});
