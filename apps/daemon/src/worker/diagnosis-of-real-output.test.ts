import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { diagnosisOf } from './diagnosis.js';

const PROGRAMS = fileURLToPath(new URL('real-failures.test-support.py', import.meta.url));

/** The first word of a case's name is the class that it has to be told as. */
it('tells failures of PyTorch, NumPy and Python apart by what they really print', () => {
  const { stdout, stderr } = spawnSync('/usr/bin/python3', [PROGRAMS], { encoding: 'utf8' });
  const cases = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { name: string; bySignal: boolean; output: string });
  expect(cases.length, stderr).toBeGreaterThan(15);
  const told = cases.map(({ name, bySignal, output }) => {
    const found = diagnosisOf(output, { gpus: 1, shares: false, bySignal, xid: null });
    return [name, found?.class ?? 'nothing'];
  });
  expect(told).toEqual(cases.map(({ name }) => [name, name.split(',')[0]]));
}, 60_000);
