import { describe, expect, it } from 'vitest';
import { shellWords } from '../shell-words.js';
import { arrayEnvironment, jobArray } from './array.js';
import { readSbatch } from './sbatch-options.js';
import { slurmBegin, slurmSeconds } from './times.js';

const flagsOf = (line: string) => readSbatch(shellWords(line)).options.flatMap(({ flags }) => flags);
const lostOf = (line: string) =>
  readSbatch(shellWords(line)).options.map(({ name, lost }) => `${name}: ${lost}`);

describe('options of sbatch', () => {
  it.each([
    ['--gres=gpu:2', ['--gpus', '2']],
    ['--gres gpu:a100:2', ['--gpus', '2', '--model', 'a100']],
    ['--gres=gpu:h100', ['--gpus', '1', '--model', 'h100']],
    ['--gres=gpu', ['--gpus', '1']],
    ['-G 4', ['--gpus', '4']],
    ['-G4 --gpus=v100:1', ['--gpus', '4', '--gpus', '1', '--model', 'v100']],
    ['-t 90', ['--time', '5400s']],
    ['--time=1-12:00:00', ['--time', '129600s']],
    ['-t 0', []],
    ['-J my-job', ['--name', 'my-job']],
    ['-D /data --chdir=/x', ['--chdir', '/data', '--chdir', '/x']],
    ['--array=0-9%2', ['--array', '0-9%2']],
    [
      '-d afterok:41:42,afterany:43',
      ['--after', 'slurm-41', '--after', 'slurm-42', '--after', 'slurm-43:ended'],
    ],
    ['--dependency=afternotok:7', ['--after', 'slurm-7:failed']],
    ['--signal=B:USR1@120', ['--warn', '120s:USR1']],
    ['--signal SIGTERM', ['--warn', '60s:TERM']],
    ['--begin=now+2hours', ['--begin', '7200s']],
    ['--export=NONE', ['--export-none']],
    ['--export=A=1,B', ['--env', 'A=1', '--env', 'B']],
    ['--nice=50 -H -W', ['--priority', '-50', '--hold', '--wait']],
    ['-N 1 -n1 --no-requeue', []],
    ['--comment "a b"', ['--label', 'comment=a b']],
  ])('%s mean %j, all of it', (line, flags) => {
    expect(flagsOf(line)).toEqual(flags);
    expect(readSbatch(shellWords(line)).options.every(({ lost }) => lost === null)).toBe(true);
  });

  it.each([
    ['--mail-type=ALL', /--mail-type: .*berth wait/],
    ['-o out-%j.txt', /-o: .*berth logs/],
    ['-e err', /-e: .*--stream stderr/],
    ['--mem 40G', /--mem: .*--limit-memory/],
    ['-c 8', /-c: .*--limit-cpus/],
    ['-N 2', /-N: there is one host/],
    ['--ntasks-per-node=4', /--ntasks-per-node: .*torchrun/],
    ['--gres=shard:1', /--gres: .*'shard:1'/],
    ['-d singleton', /-d: .*afterok/],
    ['-t tomorrow', /-t: 'tomorrow' is no time limit/],
    ['--constructor=x', /--constructor: berth knows no such option/],
    ['--export=ALL', /--export: .*PYTHONPATH/],
  ])('%s is told to mean nothing', (line, message) => {
    expect(flagsOf(line)).toEqual([]);
    expect(lostOf(line).join('\n')).toMatch(message);
  });

  it('end where the script or its arguments begin', () => {
    expect(readSbatch(['-J', 'x', 'train.sh', '-G', '2']).rest).toEqual(['train.sh', '-G', '2']);
    expect(readSbatch(['-J', 'x', '--', '-odd']).rest).toEqual(['-odd']);
  });
});

describe('a time', () => {
  it.each([
    ['60', 3600],
    ['2:30', 150],
    ['1:00:00', 3600],
    ['2-0', 172_800],
    ['1-2:30', 95_400],
    ['1-00:00:01', 86_401],
    ['8h', null],
    ['', null],
  ])('limit %j is %j seconds', (text, seconds) => {
    expect(slurmSeconds(text)).toBe(seconds);
  });

  it('to begin at is one of here, and never in the past', () => {
    const now = new Date(2026, 10, 21, 12, 0);
    expect(slurmBegin('16:00', now)).toBe(new Date(2026, 10, 21, 16, 0).toISOString());
    expect(slurmBegin('8:30', now)).toBe(new Date(2026, 10, 22, 8, 30).toISOString());
    expect(slurmBegin('2026-12-01', now)).toBe(new Date(2026, 11, 1).toISOString());
    expect(slurmBegin('teatime', now)).toBeNull();
  });
});

describe('an array', () => {
  it.each([
    ['0-3', [0, 1, 2, 3], undefined],
    ['1,3,5-6%2', [1, 3, 5, 6], 2],
    ['0-15:4', [0, 4, 8, 12], undefined],
    ['2,2,2', [2], undefined],
  ])('%s has the tasks %j', (text, tasks, maxParallel) => {
    expect(jobArray(text)).toEqual({ tasks, maxParallel });
  });

  it.each(['', '3-1', '0-9%0', 'a', '0-20000', '1,,2'])('%j is refused', (text) => {
    expect(() => jobArray(text)).toThrow('--array');
  });

  it('tells its tasks how many they are', () => {
    expect(arrayEnvironment(jobArray('3,9'))).toEqual({
      SLURM_ARRAY_TASK_ID: '{berth_array_task}',
      SLURM_ARRAY_TASK_COUNT: '2',
      SLURM_ARRAY_TASK_MIN: '3',
      SLURM_ARRAY_TASK_MAX: '9',
    });
  });
});
