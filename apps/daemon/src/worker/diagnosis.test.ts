import { describe, expect, it } from 'vitest';
import { diagnosisOf, type Situation } from './diagnosis.js';

const one: Situation = { gpus: 1, shares: false };
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
      'nccl_timeout',
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
    ['Python', "ModuleNotFoundError: No module named 'transformers'", 'module_missing'],
    [
      'Python',
      "python3: can't open file '/tmp/nothing.py': [Errno 2] No such file or directory",
      'file_missing',
    ],
    ['a shell', 'sh: 1: nvidia-smii: not found', 'program_missing'],
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
