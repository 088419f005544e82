import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestDaemon } from '../support/daemon.js';

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
});
afterAll(() => daemon.destroy());

/** The variables of Slurm's that a job sees. */
async function seenBy(job: { id: string }, query = ''): Promise<Record<string, string>> {
  const log = await daemon.logs(job, `follow=true${query}`);
  return Object.fromEntries(
    log
      .split('\n')
      .filter((line) => line.startsWith('SLURM_'))
      .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
}

describe('the environment of a job', () => {
  it('has what identifies it, and nothing that libraries take for a launcher', async () => {
    const job = await daemon.shell('env', { name: 'my job', gpus: 2 });
    expect(await seenBy(job)).toEqual({
      SLURM_JOB_ID: String(job.number),
      SLURM_JOB_NAME: 'my job',
      SLURM_JOB_USER: job.user,
      SLURM_SUBMIT_DIR: '/',
      SLURM_GPUS_ON_NODE: '2',
    });
  });

  it('tells each process of several what srun would', async () => {
    const job = await daemon.shell('env', { gpus: 2, launch: 'perDevice' });
    for (const rank of [0, 1]) {
      expect(await seenBy(job, `&rank=${rank}`)).toMatchObject({
        SLURM_PROCID: String(rank),
        SLURM_LOCALID: String(rank),
        SLURM_NTASKS: '2',
        SLURM_NTASKS_PER_NODE: '2',
        SLURM_NNODES: '1',
      });
    }
  });

  it('numbers the jobs of a sweep, and lets a job overrule it', async () => {
    const template = { script: 'env', environment: { SLURM_JOB_NAME: 'bash' }, workingDirectory: '/' };
    const response = await daemon.post('/v1/jobs/batch', { template, matrix: { lr: [0.1, 0.2] } });
    const { id, firstNumber } = (await response.json()) as { id: string; firstNumber: number };
    expect(await seenBy({ id: String(firstNumber + 1) })).toMatchObject({
      SLURM_ARRAY_JOB_ID: id,
      SLURM_ARRAY_TASK_ID: '1',
      SLURM_JOB_NAME: 'bash',
    });
  });
});

it('the aliases do for a script what Slurm does', async () => {
  const folder = daemon.dataDirectory;
  const run = (line: string) =>
    promisify(execFile)('/bin/sh', ['-c', line], {
      cwd: folder,
      env: {
        PATH: `${join(folder, 'bin')}:${dirname(process.execPath)}:/usr/bin:/bin`,
        BERTH_DATA_DIR: folder,
      },
    });
  const berth = new URL('../../apps/cli/bin/berth.js', import.meta.url).pathname;
  await run(`'${process.execPath}' '${berth}' alias install bin`);
  const text =
    '#!/bin/sh\n#SBATCH -J sweep --gres=gpu:1 --array=5-6\necho "$SLURM_JOB_NAME task $SLURM_ARRAY_TASK_ID"\n';
  writeFileSync(join(folder, 'sweep.sh'), text);
  const { stdout } = await run('sbatch sweep.sh');
  const number = Number(/^Submitted batch job (\d+)\n$/.exec(stdout)?.[1]);
  expect(await daemon.logs({ id: String(number) }, 'follow=true')).toBe('sweep task 5\n');
  expect(await daemon.logs({ id: String(number + 1) }, 'follow=true')).toBe('sweep task 6\n');

  const long = (await run("sbatch --parsable --wrap 'sleep 60'")).stdout.trim();
  await daemon.until({ id: long }, 'running');
  expect((await run(`squeue -h -j ${long}`)).stdout).toMatch(new RegExp(`^ +${long} +gpu +wrap +\\S+ +R `));
  expect((await run('sinfo -h')).stdout).toMatch(/^gpu\* +up +infinite +1 +mix /);
  await run(`scancel ${long}`);
  expect((await daemon.ended({ id: long })).state).toBe('cancelled');
});
