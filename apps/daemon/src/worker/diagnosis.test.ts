import { readFileSync } from 'node:fs';
import { DIAGNOSES } from '@berth/contract';
import { describe, expect, it } from 'vitest';
import { diagnosisOf } from './diagnosis.js';
import type { Situation } from './failure-table.js';

const one: Situation = { gpus: 1, shares: false, bySignal: false, xid: null };
const classOf = (output: string): string | undefined => diagnosisOf(output, one)?.class;
const adviceOf = (output: string, situation = one): string => diagnosisOf(output, situation)?.advice ?? '';

const traceback = (last: string): string =>
  `Epoch 1\nTraceback (most recent call last):\n  File "train.py", line 7, in <module>\n    loss.backward()\n${last}\n`;

describe('the end of a failed program', () => {
  it.each([
    [
      'PyTorch 2',
      'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 79.19 GiB of which 3.06 MiB is free.',
      'cuda_out_of_memory',
    ],
    [
      'PyTorch 1',
      'RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 15.78 GiB total capacity; 14.00 GiB already allocated)',
      'cuda_out_of_memory',
    ],
    ['CUDA', 'RuntimeError: CUDA error: out of memory', 'cuda_out_of_memory'],
    [
      'JAX',
      'jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 17179869184 bytes.',
      'cuda_out_of_memory',
    ],
    [
      'JAX',
      'jax.errors.JaxRuntimeError: RESOURCE_EXHAUSTED: Out of memory allocating 70368744177664 bytes.',
      'host_out_of_memory',
    ],
    [
      'TensorFlow',
      'tensorflow.python.framework.errors_impl.ResourceExhaustedError: {{function_node __wrapped__Fill_device_/job:localhost/replica:0/task:0/device:CPU:0}} OOM when allocating tensor with shape[16777216,1048576] and type float on /job:localhost/replica:0/task:0/device:CPU:0 by allocator mklcpu [Op:Fill] name: ',
      'host_out_of_memory',
    ],
    [
      'TensorFlow',
      'tensorflow.python.framework.errors_impl.ResourceExhaustedError: OOM when allocating tensor with shape[65536,65536]',
      'cuda_out_of_memory',
    ],
    [
      'PyTorch',
      'RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! (when checking argument for argument mat1)',
      'tensors_on_different_devices',
    ],
    [
      'PyTorch 2.6',
      'RuntimeError: Expected all tensors to be on the same device, but got mat2 is on cpu, different from other tensors on cuda:0 (when checking argument in method wrapper_CUDA_mm)',
      'tensors_on_different_devices',
    ],
    [
      'PyTorch 2.15',
      'RuntimeError: Tensor on device meta is not on the expected device cpu!',
      'tensors_on_different_devices',
    ],
    ['PyTorch', 'ValueError: ProcessGroupNCCL is only supported with GPUs, no GPUs found!', 'no_cuda_device'],
    ['PyTorch 2.15', 'RuntimeError: nccl2 requires at least one CUDA device', 'no_cuda_device'],
    [
      'PyTorch 2.15',
      'RuntimeError: [enforce fail at inline_container.cc:671] . unexpected pos 704 vs 598',
      'disk_full',
    ],
    [
      'PyTorch, of two precisions',
      'RuntimeError: Input type (torch.cuda.HalfTensor) and weight type (torch.cuda.FloatTensor) should be the same',
      'python_exception',
    ],
    [
      'PyTorch',
      'RuntimeError: Input type (torch.cuda.FloatTensor) and weight type (torch.FloatTensor) should be the same',
      'tensors_on_different_devices',
    ],
    ['PyTorch', 'AssertionError: Torch not compiled with CUDA enabled', 'torch_without_cuda'],
    [
      'PyTorch',
      'RuntimeError: CUDA error: invalid device ordinal\nCUDA kernel errors might be asynchronously reported',
      'invalid_device_ordinal',
    ],
    [
      'PyTorch',
      'RuntimeError: Attempting to deserialize object on CUDA device 3 but torch.cuda.device_count() is 1. Please use torch.load with map_location',
      'invalid_device_ordinal',
    ],
    ['PyTorch', 'RuntimeError: No CUDA GPUs are available', 'no_cuda_device'],
    [
      'PyTorch',
      'RuntimeError: The NVIDIA driver on your system is too old (found version 11040).',
      'driver_too_old',
    ],
    [
      'PyTorch',
      'RuntimeError: CUDA error: no kernel image is available for execution on the device',
      'no_kernel_image',
    ],
    ['PyTorch', 'RuntimeError: CUDA error: device-side assert triggered', 'device_side_assert'],
    [
      'PyTorch',
      'RuntimeError: CUDA error: an illegal memory access was encountered',
      'illegal_memory_access',
    ],
    ['CUDA', 'RuntimeError: CUDA error: uncorrectable ECC error encountered', 'ecc_error'],
    [
      'PyTorch',
      '[rank0]:[E ProcessGroupNCCL.cpp:563] [Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=12, OpType=ALLREDUCE)',
      'collective_timeout',
    ],
    [
      'PyTorch',
      'torch.distributed.DistBackendError: NCCL error in: ../torch/csrc/distributed/c10d/NCCLUtils.hpp:219, unhandled system error',
      'nccl_failure',
    ],
    [
      'PyTorch',
      'RuntimeError: The server socket has failed to listen on any local network address. port: 29500, useIpv6: false, code: -98, name: EADDRINUSE, message: address already in use',
      'address_in_use',
    ],
    [
      'PyTorch',
      "RuntimeError: DataLoader worker (pid 4242) is killed by signal: Bus error. It is possible that dataloader's workers are out of shared memory.",
      'shared_memory',
    ],
    ['PyTorch', 'RuntimeError: DataLoader worker (pid(s) 71, 72) exited unexpectedly', 'data_loader_killed'],
    [
      'PyTorch',
      "RuntimeError: [enforce fail at alloc_cpu.cpp:66] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 1000 bytes.",
      'host_out_of_memory',
    ],
    ['Python', 'MemoryError', 'host_out_of_memory'],
    ['Python', 'OSError: [Errno 28] No space left on device', 'disk_full'],
    [
      'the loader',
      'OSError: libcudart.so.11.0: cannot open shared object file: No such file or directory',
      'library_missing',
    ],
    ['Python', "ModuleNotFoundError: No module named 'transformers'", 'module_missing'],
    [
      'Python',
      "python3: can't open file '/tmp/nothing.py': [Errno 2] No such file or directory",
      'file_missing',
    ],
    ['a shell', 'sh: 1: nvidia-smii: not found', 'program_missing'],
    [
      'PyTorch',
      'torch.AcceleratorError: CUDA error: CUDA-capable device(s) is/are busy or unavailable',
      'device_busy',
    ],
    [
      'TensorFlow',
      "InvalidArgumentError: 'visible_device_list' listed an invalid GPU id '3' but visible device count is 1",
      'invalid_device_ordinal',
    ],
    ['Python', 'ValueError: too many values to unpack (expected 2)', 'python_exception'],
    ['Python', 'my.module.CustomError', 'python_exception'],
    ['Python', 'KeyboardInterrupt', 'python_exception'],
  ])('as %s words it: %.70s', (_, last, expected) => {
    const found = diagnosisOf(traceback(last), one);
    expect(found?.class).toBe(expected);
    expect(last.split('\n').some((line) => line.startsWith(found?.line.slice(0, 200) ?? '?'))).toBe(true);
    expect(found?.advice.length).toBeGreaterThan(20);
  });

  it.each([
    '',
    'done\n',
    'Epoch 3, Loss: 0.1\nAll errors were fixed\n',
    'an error: nothing\n',
    'RuntimeErrors are bad\n',
  ])('that tells nothing known is not guessed at: %j', (output) => {
    expect(diagnosisOf(output, one)).toBeNull();
  });

  it('is judged by the cause, not by what followed from it', () => {
    const both =
      traceback('torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB') +
      traceback('torch.distributed.DistBackendError: NCCL error in: x');
    expect(classOf(both)).toBe('cuda_out_of_memory');
  });

  it('is judged by what the rank said, not by its launcher', () => {
    const rank = traceback('ValueError: boom').replace(/^(?=.)/gm, '[rank1]: ');
    const launcher = traceback('torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ');
    expect(diagnosisOf(rank + launcher, one)?.line).toBe('ValueError: boom');
    expect(classOf(traceback("subprocess.CalledProcessError: Command 'false' failed"))).toBe(
      'python_exception',
    );
  });

  it.each([
    ['Killed\n', 'killed'],
    ['/tmp/run.sh: line 3: 27195 Killed                  python3 train.py\n', 'killed'],
    ['bash: line 1: 27195 Segmentation fault      python3 train.py\n', 'segmentation_fault'],
    ['Bus error (core dumped)\n', 'shared_memory'],
    [
      "terminate called after throwing an instance of 'std::runtime_error'\n  what():  CUDA error: out of memory\n",
      'cuda_out_of_memory',
    ],
    ["terminate called after throwing an instance of 'std::logic_error'\n  what():  no\n", 'cpp_exception'],
  ])('is read from what shells and C++ say of it: %j', (output, expected) => {
    expect(classOf(output)).toBe(expected);
  });

  it('is not the exception that a program had handled before a signal ended it', () => {
    expect(diagnosisOf(traceback('ValueError: handled'), { ...one, bySignal: true })).toBeNull();
  });

  it('is the error of the device that the driver reported, where the output says nothing of the device', () => {
    const xid = 'the driver reported XID 31: a memory page fault';
    const at = { ...one, xid };
    expect(diagnosisOf('', at)).toMatchObject({ class: 'xid', line: xid });
    expect(diagnosisOf(traceback('ValueError: boom'), at)?.class).toBe('xid');
    expect(diagnosisOf('CUDA error: device-side assert triggered', at)?.class).toBe('device_side_assert');
  });

  it('shows of several lines the last', () => {
    const output = 'ValueError: first\nValueError: second\n';
    expect(diagnosisOf(output, one)?.line).toBe('ValueError: second');
  });

  it('is read quickly, however long its lines', () => {
    const before = process.cpuUsage().user;
    diagnosisOf(`${'x'.repeat(128 * 1024)}`, one);
    diagnosisOf(`${'Error '.repeat(20_000)}`, one);
    expect(process.cpuUsage().user - before).toBeLessThan(2_000_000);
  });
});

describe('the advice', () => {
  it("names the program's own line, not the library's", () => {
    const output = `Traceback (most recent call last):
  File "/home/ada/train.py", line 12, in step
    loss = criterion(output, target)
           ^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/usr/lib/python3/dist-packages/torch/nn/functional.py", line 3026, in cross_entropy
    return torch._C._nn.cross_entropy_loss(input, target)
IndexError: Target 7 is out of bounds.
`;
    expect(adviceOf(output)).toContain('/home/ada/train.py, line 12 (step)');
  });

  it('names the devices that the job has, and what to ask for', () => {
    const output = `    model.to("cuda:1")\nRuntimeError: CUDA error: invalid device ordinal`;
    expect(adviceOf(output)).toContain(
      'names cuda:1, but the job has one device, cuda:0: use cuda:0, or ask for gpus: 2',
    );
    expect(adviceOf(output, { ...one, gpus: 4 })).toContain('the job has 4 devices, cuda:0 to cuda:3');
    const saved =
      'RuntimeError: Attempting to deserialize object on CUDA device 3 but torch.cuda.device_count() is 1.';
    expect(adviceOf(saved)).toContain('saved on cuda:3');
  });

  it('names the library that is not there, and whose it is', () => {
    const without = (name: string): string =>
      adviceOf(traceback(`ImportError: ${name}: cannot open shared object file: No such file or directory`));
    expect(without('libcudart.so.11.0')).toContain('finds no libcudart.so.11.0');
    expect(without('libcuda.so.1')).toContain('belongs to the NVIDIA driver');
    expect(
      classOf(
        "Could not load dynamic library 'libcudart.so.11.0'; dlerror: libcudart.so.11.0: cannot open shared object file: No such file\nImportError: x\n",
      ),
    ).not.toBe('library_missing');
  });

  it('names the two devices of the tensors', () => {
    expect(
      adviceOf(
        'Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!',
      ),
    ).toMatch(/^One tensor is on cuda:0, another on cpu\./);
    expect(adviceOf('RuntimeError: CUDA out of memory. x')).toContain('a larger device');
    expect(adviceOf('RuntimeError: CUDA out of memory. x', { ...one, shares: true })).toContain(
      'It shares its device',
    );
  });

  it('shows what a kernel asserted', () => {
    const output =
      'Loss.cu:250: nll_loss: block: [0,0,0], thread: [1,0,0] Assertion `t >= 0 && t < n_classes` failed.\nRuntimeError: CUDA error: device-side assert triggered';
    expect(adviceOf(output)).toContain('Assertion `t >= 0 && t < n_classes` failed');
  });
});

it.each([
  ['/data/jobs/job_1.1.0/script: 2: srun: not found', /--launch perDevice/],
  ['train.sh: line 3: srun: command not found', /--launch perDevice/],
  ['train.sh: line 1: module: command not found', /bash -l/],
  ['sh: 1: constructor: not found', /full path/],
])('%s: what scripts bring along from elsewhere is told what to write instead', (line, advice) => {
  expect(adviceOf(line)).toMatch(advice);
});

it('every class is explained in docs/failures.md', () => {
  const page = readFileSync(new URL('../../../../docs/failures.md', import.meta.url), 'utf8');
  const explained = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  expect(explained.sort()).toEqual([...DIAGNOSES].sort());
});
