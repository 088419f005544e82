import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BerthClient, BerthProblem } from '@berth/client';
import type { Job } from '@berth/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

/** Debian's PyTorch; or another, where BERTH_PYTHON says which python has one. */
const PYTHON = process.env.BERTH_PYTHON ?? '/usr/bin/python3';
const EXAMPLES = new URL('../../examples/', import.meta.url).pathname;

let daemon: TestDaemon;
let client: BerthClient;
const scratch = mkdtempSync(join(tmpdir(), 'berth-scratch-'));
beforeAll(async () => {
  daemon = await TestDaemon.start('4xH100-80GB');
  client = new BerthClient({ url: daemon.address, token: daemon.token });
});
afterAll(async () => {
  await daemon.destroy();
  rmSync(scratch, { recursive: true });
});

async function textOf(parts: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const part of parts) pieces.push(part);
  return Buffer.concat(pieces).toString();
}

describe('real training, submitted by the client', () => {
  it('reports what PyTorch sees under its mask', async () => {
    const job = await client.jobs.submit({
      command: [PYTHON, 'device_report.py'],
      workingDirectory: EXAMPLES,
      devices: '1',
    });
    const output = await textOf(client.jobs.logs(job, { follow: true }));
    expect(output).toMatch(/CUDA_VISIBLE_DEVICES\s+1\n/);
    expect(output).toMatch(/CUDA_DEVICE_ORDER\s+PCI_BUS_ID\n/);
    expect(output).toMatch(/PyTorch\s+\d/);
    expect((await client.jobs.wait(job)).state).toBe('succeeded');
  });

  it('lowers its loss, epoch by epoch, as everybody can read', async () => {
    const job = await client.jobs.submit({
      command: [PYTHON, 'mlp.py', '--epochs', '600'],
      workingDirectory: EXAMPLES,
      devices: '0',
    });
    const output = await textOf(client.jobs.logs(job, { follow: true }));
    const losses = [...output.matchAll(/Epoch \[\d+\/600\], Loss: (\d+\.\d+)/g)].map(([, loss]) =>
      Number(loss),
    );
    expect(losses).toHaveLength(6);
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 10);
    expect((await client.jobs.wait(job)).attempts[0]?.tasks[0]?.maxResidentBytes).toBeGreaterThan(50e6);
  });

  it('saves a checkpoint when it is cancelled, and goes on from it', async () => {
    const checkpoint = join(scratch, 'checkpoint.pt');
    const submission = {
      command: [PYTHON, 'mlp.py', '--epochs', '1000000', '--checkpoint', checkpoint],
      workingDirectory: EXAMPLES,
    };
    const job = await client.jobs.submit(submission);
    for await (const part of client.jobs.logs(job, { follow: true })) {
      if (Buffer.from(part).includes('Epoch [')) break;
    }
    await client.jobs.cancel(job);
    expect((await client.jobs.wait(job)).state).toBe('cancelled');
    expect(existsSync(checkpoint)).toBe(true);

    const next = await client.jobs.submit(submission);
    let output = '';
    for await (const part of client.jobs.logs(next, { follow: true })) {
      output += Buffer.from(part).toString();
      if (output.includes('Epoch [')) break;
    }
    expect(output).toMatch(/Resuming after epoch \d+/);
    await client.jobs.cancel(next);
    await client.jobs.wait(next);
  });

  it('is refused with every bad field named', async () => {
    const refused = await client.jobs.submit({ command: ['true'], gpus: 9 }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(BerthProblem);
    expect(refused).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '#/gpus' }] });
  });
});

describe('what people run', () => {
  const run = async (argv: readonly string[], more: object = {}): Promise<{ output: string; job: Job }> => {
    const command = [PYTHON, ...argv];
    const job = await client.jobs.submit({ command, workingDirectory: EXAMPLES, ...more });
    const output = await textOf(client.jobs.logs(job, { follow: true }));
    return { output, job: await client.jobs.wait(job) };
  };

  it('DistributedDataParallel, four ranks: the gradients are averaged, so the parameters are equal at the end', async () => {
    const { job } = await run(['ddp.py', '--steps', '5'], { gpus: 4, launch: 'perDevice' });
    expect(job.state).toBe('succeeded');
    const sums: string[] = [];
    for (const rank of [0, 1, 2, 3]) {
      const output = await textOf(client.jobs.logs(job, { rank }));
      expect(output).toContain(`Rank ${rank} of 4 on `);
      sums.push(/parameters equal, checksum (\S+)/.exec(output)?.[1] ?? `none in ${output}`);
    }
    expect(new Set(sums).size).toBe(1);
  });

  it('DistributedDataParallel, of which one rank fails: the others are stopped, and the cause names it', async () => {
    const argv = ['ddp.py', '--steps', '100000', '--fail-rank', '2'];
    const { job } = await run(argv, { gpus: 4, launch: 'perDevice', gracePeriod: 1 });
    expect(job).toMatchObject({ state: 'failed', cause: { code: 'exit_code', rank: 2, exitCode: 1 } });
    expect(await textOf(client.jobs.logs(job, { rank: 2 }))).toContain('rank 2 fails, as it was asked to');
  });

  it('DataParallel, in one process', async () => {
    const argv = ['data_parallel.py', '--steps', '2', '--batch', '8', '--width', '8'];
    const { output, job } = await run(argv, { gpus: 2 });
    expect(output).toMatch(/CUDA devices are visible\nStep 1\/2, Loss: \d|DataParallel over 2/);
    expect(job.state).toBe('succeeded');
  });

  it('a script that names cuda:1', async () => {
    const { output, job } = await run(['pick_device.py', '--steps', '50'], { gpus: 2 });
    expect(output).toMatch(/Asked for cuda:1; \d CUDA devices are visible/);
    expect(output).toMatch(/Step 50\/50, Loss: /);
    expect(job.state).toBe('succeeded');
  });

  it('one that asks for more memory than there is', async () => {
    const { output, job } = await run(['oom.py', '--gibibytes', '100000']);
    expect(output).toMatch(/can't allocate memory|CUDA out of memory/);
    expect(job).toMatchObject({ state: 'failed', cause: { exitCode: 1 } });
    // Where there is no GPU it is the host's memory.
    expect(job.cause?.diagnosis?.class).toMatch(/^(host|cuda)_out_of_memory$/);
  });
});

describe('a training that is requeued while it runs', () => {
  it('saves its work, and the next attempt goes on at the step where it stopped', async () => {
    const job = await client.jobs.submit({
      command: [PYTHON, 'checkpoint.py', '--steps', '1000000', '--every', '1000000'],
      workingDirectory: EXAMPLES,
      preemptible: true,
    });
    for await (const part of client.jobs.logs(job, { follow: true })) {
      if (Buffer.from(part).includes('Step [')) break;
    }
    await client.jobs.requeue(job);
    const before = await textOf(client.jobs.logs(job, { attempt: 1, follow: true }));
    const saved = Number(/^Saved step (\d+) after SIGUSR1$/m.exec(before)?.[1]);
    expect(saved).toBeGreaterThanOrEqual(200);
    const again = await eventually(
      () => client.jobs.get(job),
      ({ attempts }) => attempts.length === 2 && attempts[1]?.startedAt !== null,
    );
    expect(again.attempts[0]).toMatchObject({
      cause: { code: 'user', sentence: expect.stringContaining('its checkpoint was written') as string },
      checkpoint: { signal: 'SIGUSR1', endedBy: 'itself' },
      tasks: [{ exitCode: 138 }],
    });
    let output = '';
    for await (const part of client.jobs.logs(job, { attempt: 2, follow: true })) {
      output += Buffer.from(part).toString();
      if (output.includes('Step [')) break;
    }
    expect(output).toMatch(new RegExp(`^Resuming at step ${saved + 1} on .* \\(why again: user\\)`));

    const drill = await client.jobs.drill(job);
    expect(drill.ranks[0]).toMatchObject({ ended: { exitCode: 138 }, handlers: 1 });
    expect(drill.ranks[0]?.checkpoint).not.toBeNull();
    await client.jobs.cancel(job);
    await client.jobs.wait(job);
  });
});
