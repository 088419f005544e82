import { JobIdSchema, makeJobId } from '@berth/contract';
import { expect, it } from 'vitest';
import type { JobSpec } from '../ledger/record.js';
import { combinations, memberId, withParameters } from './sweep.js';

it('makes every combination once, the last parameter changing fastest', () => {
  expect(combinations({ lr: [0.1, 0.01], seed: [1, 2] })).toEqual([
    { lr: 0.1, seed: 1 },
    { lr: 0.1, seed: 2 },
    { lr: 0.01, seed: 1 },
    { lr: 0.01, seed: 2 },
  ]);
});

it('fills in what varies, and leaves other braces alone', () => {
  const spec = {
    command: ['python', 'train.py', '--lr={lr}', '{seed}', '{"a": 1}', '{HOME}', '{toString}'],
    script: null,
    environment: { OUT: 'runs/{lr}/{seed}' },
    checkpointPath: '/runs/{lr}.pt',
  } as unknown as JobSpec;
  expect(withParameters({ name: 'lr {lr}', spec }, { lr: 0.1, seed: 3 })).toMatchObject({
    name: 'lr 0.1',
    spec: {
      command: ['python', 'train.py', '--lr=0.1', '3', '{"a": 1}', '{HOME}', '{toString}'],
      checkpointPath: '/runs/0.1.pt',
      environment: { OUT: 'runs/0.1/3', BERTH_PARAM_lr: '0.1', BERTH_PARAM_seed: '3' },
    },
  });
});

it('gives each job of a group an id of its own, the same each time', () => {
  const group = makeJobId(Date.now(), (bytes) => crypto.getRandomValues(bytes)).replace('job_', 'grp_');
  const ids = Array.from({ length: 10_000 }, (_, index) => memberId(group, index));
  expect(new Set(ids).size).toBe(10_000);
  expect(memberId(group, 7)).toBe(ids[7]);
  for (const id of ids.slice(0, 50)) expect(JobIdSchema.safeParse(id).success).toBe(true);
});
