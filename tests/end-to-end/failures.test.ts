import type { Job } from '@berth/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestDaemon } from '../support/daemon.js';

const PYTHON = '/usr/bin/python3';

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
});
afterAll(() => daemon.destroy());

const failed = async (program: string, more: object = {}): Promise<Job> =>
  daemon.ended(await daemon.submit({ command: [PYTHON, '-c', program], workingDirectory: '/', ...more }));

describe('a job that failed says why and what to do, from what its own program said', () => {
  it('real PyTorch without CUDA', async () => {
    const { cause } = await failed('import torch\ntorch.zeros(1).cuda()');
    expect(cause).toMatchObject({
      code: 'exit_code',
      exitCode: 1,
      sentence: 'rank 0 exited with code 1: AssertionError: Torch not compiled with CUDA enabled',
      diagnosis: {
        class: 'torch_without_cuda',
        line: 'AssertionError: Torch not compiled with CUDA enabled',
      },
    });
    expect(cause?.diagnosis?.advice).toContain('berth doctor');
  });

  it.each<[string, string, string]>([
    ['import no_such_module', 'module_missing', 'no module no_such_module'],
    ['open("/no/such/file")', 'file_missing', 'working directory'],
    ['x = bytearray(1 << 62)', 'host_out_of_memory', "host's memory"],
    ['import os; os.write(os.open("/dev/full", os.O_WRONLY), b"x")', 'disk_full', 'df -h'],
    [
      'import socket\na = socket.socket(); a.bind(("", 0)); a.listen()\nb = socket.socket(); b.bind(a.getsockname())',
      'address_in_use',
      'MASTER_PORT',
    ],
    ['def step():\n  {}["loss"]\nstep()', 'python_exception', '<string>, line 2 (step)'],
    [
      'import sys; sys.exit("CUDA error: invalid device ordinal, at cuda:1")',
      'invalid_device_ordinal',
      'ask for gpus: 2',
    ],
  ])('%s', async (program, expected, advice) => {
    const { state, cause } = await failed(program);
    expect([state, cause?.diagnosis?.class]).toEqual(['failed', expected]);
    expect(cause?.diagnosis?.advice).toContain(advice);
  });

  it('also where a signal ended it that its own doing brought on', async () => {
    const { cause } = await failed('import ctypes, faulthandler; faulthandler.enable(); ctypes.string_at(0)');
    expect(cause).toMatchObject({
      code: 'signal',
      signal: 'SIGSEGV',
      sentence: 'rank 0 was ended by SIGSEGV: Fatal Python error: Segmentation fault',
      diagnosis: { class: 'segmentation_fault' },
    });
  });

  it('and nothing is made up where it said nothing', async () => {
    const job = await daemon.ended(await daemon.shell('echo fine so far; exit 9'));
    expect(job.cause).toEqual({
      code: 'exit_code',
      sentence: 'rank 0 exited with code 9; its log says more',
      rank: 0,
      exitCode: 9,
      signal: null,
    });
  });
});

it('memory that ran out on the device is a cause of its own, after which a job may be tried again elsewhere', async () => {
  const program = `
import os, sys
print("seen", os.environ["CUDA_VISIBLE_DEVICES"])
if os.environ["BERTH_ATTEMPT"] == "1":
    raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 15.78 GiB total capacity)")
print("reason", os.environ["BERTH_RESTART_REASON"])`;
  const job = await failed(program, { retry: { limit: 1, on: ['out_of_memory'], backoff: 0 } });
  expect(job.state).toBe('succeeded');
  const [first, second] = job.attempts;
  expect(first?.cause).toMatchObject({ code: 'out_of_memory', diagnosis: { class: 'cuda_out_of_memory' } });
  expect(second?.devices[0]?.uuid).not.toBe(first?.devices[0]?.uuid);
  expect(await daemon.logs(job)).toContain('reason out_of_memory');
  // Any other failure isn't of that kind.
  const other = await failed('raise ValueError("no")', {
    retry: { limit: 1, on: ['out_of_memory'], backoff: 0 },
  });
  expect(other.attempts).toHaveLength(1);
});
