import type { Diagnosis } from '@berth/contract';
import { openLog } from '@berth/task-shim';

/** What is read of a failed task's output: its last words. */
const LAST_BYTES = 128 * 1024;
const LONGEST_LINE = 500;

/** What the advice is made from. */
export interface Situation {
  gpus: number;
  /** Whether the job shares its device. */
  shares: boolean;
}

interface Row {
  class: Diagnosis['class'];
  /** What shows it. The sources say where the wording comes from. */
  pattern: RegExp;
  advice(match: RegExpExecArray, situation: Situation, output: string): string;
}

const devices = ({ gpus }: Situation): string =>
  gpus === 1 ? 'one device, cuda:0' : `${gpus} devices, cuda:0 to cuda:${gpus - 1}`;

/**
 * What programs say when they fail, the most telling first: a later row is often only what followed from an earlier one.
 *
 * Sources: PyTorch (c10/cuda/CUDACachingAllocator.cpp, c10/cuda/CUDAException.cpp, torch/cuda/__init__.py, torch/_meta_registrations
 * and ATen's checks of common devices, torch/utils/data, torch/serialization.py), CUDA's own error strings (cudaGetErrorString),
 * XLA's status codes as JAX and TensorFlow show them (RESOURCE_EXHAUSTED), NCCL's errors as ProcessGroupNCCL words them, and
 * Python's tracebacks. The tests hold real output of these.
 */
const ROWS: readonly Row[] = [
  {
    class: 'cuda_out_of_memory',
    pattern:
      /^.*(?:CUDA out of memory\.|CUDA error: out of memory|CUDA_ERROR_OUT_OF_MEMORY|RESOURCE_EXHAUSTED: Out of memory|ResourceExhaustedError|CUBLAS_STATUS_ALLOC_FAILED).*$/m,
    advice: ([line], { shares }) => {
      const fragmented = /reserved by PyTorch but unallocated/.test(line)
        ? ' Since much is reserved by PyTorch but unallocated, PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True may be enough.'
        : '';
      const where = shares
        ? 'It shares its device: CUDA keeps nothing free of what it declared (sharing.memory).'
        : 'Or ask for a larger device with constraints.minMemory.';
      return `Make the batch smaller, accumulate gradients, use activation checkpointing or bfloat16. ${where}${fragmented}`;
    },
  },
  {
    class: 'tensors_on_different_devices',
    pattern:
      /^.*(?:Expected all tensors to be on the same device.*|Input type \(torch\.(?:cuda\.)?\w+\) and weight type \(torch\.(?:cuda\.)?\w+\) should be the same.*|Expected object of device type \w+ but got.*)$/m,
    advice: ([line]) => {
      const [, one, other] = /two devices, (\S+?) and (\S+?)[!.,)]/.exec(line) ?? [];
      const found = one && other ? `One tensor is on ${one}, another on ${other}. ` : '';
      return `${found}Move the model and every input to one device (.to(device)), and make new tensors there: torch.zeros(…, device=x.device).`;
    },
  },
  {
    class: 'torch_without_cuda',
    pattern: /^.*Torch not compiled with CUDA enabled.*$/m,
    advice: () =>
      "This python's PyTorch is a build for the CPU. Install one for CUDA into the environment that the job uses; berth doctor says which python and PyTorch that is.",
  },
  {
    class: 'invalid_device_ordinal',
    pattern:
      /^.*(?:invalid device ordinal|Invalid device id|Attempting to deserialize object on CUDA device \d+ but torch\.cuda\.device_count\(\) is \d+).*$/m,
    advice: ([line], situation, output) => {
      const named =
        /\bCUDA device (\d+)\b/.exec(line)?.[1] ?? lastOf(output, /(?:cuda:|set_device\(\s*)(\d+)/g);
      const wanted = named === null ? null : Number(named);
      const has = `the job has ${devices(situation)}`;
      if (/deserialize/.test(line))
        return `The checkpoint was saved on cuda:${named}, but ${has}: load it with map_location="cuda:0".`;
      if (wanted === null || wanted < situation.gpus)
        return `Its code names a device that it doesn't have: ${has}. Inside a job devices count from 0, whichever GPUs they are.`;
      return `Its code names cuda:${wanted}, but ${has}: use cuda:0, or ask for gpus: ${wanted + 1}. Inside a job devices count from 0, whichever GPUs they are.`;
    },
  },
  {
    class: 'driver_too_old',
    pattern:
      /^.*(?:CUDA driver version is insufficient for CUDA runtime version|The NVIDIA driver on your system is too old).*$/m,
    advice: () =>
      'The driver is older than the CUDA that this program was built for: upgrade the driver, or install a build for an older CUDA. berth doctor compares them.',
  },
  {
    class: 'no_cuda_device',
    pattern:
      /^.*(?:No CUDA GPUs are available|Found no NVIDIA driver on your system|no CUDA-capable device is detected).*$/m,
    advice: () =>
      'It sees no device. Leave CUDA_VISIBLE_DEVICES as Berth sets it; in a container, start it with the NVIDIA runtime; where devices are simulated there is none for PyTorch. berth doctor says more.',
  },
  {
    class: 'no_kernel_image',
    pattern:
      /^.*(?:no kernel image is available for execution on the device|is not compatible with the current PyTorch installation).*$/m,
    advice: () =>
      "This build has no code for the device's architecture: install a PyTorch that lists it (torch.cuda.get_arch_list()), or choose other devices with constraints.minComputeCapability or model.",
  },
  {
    class: 'ecc_error',
    pattern: /^.*(?:uncorrectable ECC error|CUDA error: uncorrectable).*$/m,
    advice: () =>
      'The memory of its device is failing: run it on another, and have this one looked at (berth devices, dmesg | grep -i xid).',
  },
  {
    class: 'device_side_assert',
    pattern: /^.*device-side assert triggered.*$/m,
    advice: (_, __, output) => {
      const said = lastOf(output, /(Assertion `[^`]*` failed)/g);
      const shown = said === null ? '' : ` The kernel says: ${said}.`;
      return `A kernel checked its input and found it wrong, most often a class label or an index out of range.${shown} CUDA_LAUNCH_BLOCKING=1 makes the traceback point at the right line.`;
    },
  },
  {
    class: 'illegal_memory_access',
    pattern:
      /^.*(?:an illegal memory access was encountered|unspecified launch failure|misaligned address).*$/m,
    advice: () =>
      'A kernel touched memory that is not its own: a mistake in a custom kernel or an extension, seldom the device. CUDA_LAUNCH_BLOCKING=1 and compute-sanitizer find it.',
  },
  {
    class: 'nccl_timeout',
    pattern: /^.*Watchdog caught collective operation timeout.*$/m,
    advice: () =>
      'A rank waited for the others in vain: one of them died, hangs, or took another path through the code. Look at the log of each rank (berth logs --rank N) for the one that stopped first.',
  },
  {
    class: 'nccl_failure',
    pattern:
      /^.*(?:NCCL error|ncclSystemError|ncclUnhandledCudaError|ncclInternalError|ncclRemoteError|ncclInvalidUsage|NCCL WARN).*$/m,
    advice: () =>
      'The ranks could not talk to each other. NCCL_DEBUG=INFO says why; often another rank failed first, or /dev/shm is too small.',
  },
  {
    class: 'address_in_use',
    pattern: /^.*(?:EADDRINUSE|[Aa]ddress already in use).*$/m,
    advice: () =>
      'A port is taken. With launch: perDevice Berth gives every gang a MASTER_PORT of its own; with torchrun of your own, pass --master-port=0 or --standalone.',
  },
  {
    class: 'shared_memory',
    pattern:
      /^.*(?:insufficient shared memory \(shm\)|is killed by signal: Bus error|Unexpected bus error encountered in worker).*$/m,
    advice: () =>
      '/dev/shm is full: data loaders pass batches through it. Use fewer workers, or make it larger (in a container --shm-size or --ipc=host).',
  },
  {
    class: 'data_loader_killed',
    pattern: /^.*DataLoader worker \(pid(?:\(s\))? [\d, ]+\) (?:exited unexpectedly|is killed by signal).*$/m,
    advice: () =>
      'A worker of the data loader died, most often since the host ran out of memory (dmesg | grep -i oom). Use fewer workers, or num_workers=0 to see its own error.',
  },
  {
    class: 'host_out_of_memory',
    pattern:
      /^.*(?:DefaultCPUAllocator: can't allocate memory|std::bad_alloc|Cannot allocate memory|\bMemoryError\b).*$/m,
    advice: () =>
      "The host's memory (not the device's) was not enough: load less at once, use fewer data loader workers, or memory-map the data.",
  },
  {
    class: 'disk_full',
    pattern: /^.*(?:No space left on device|\[Errno 28\]|Disk quota exceeded).*$/m,
    advice: () =>
      'A disk or a quota is full, where it writes its checkpoints or its caches: df -h says which.',
  },
  {
    class: 'module_missing',
    pattern: /^.*ModuleNotFoundError: No module named '([^']+)'.*$/m,
    advice: ([, name]) =>
      `Its python has no module ${name}. Submit from the environment that has it (berth passes PATH and VIRTUAL_ENV on), or name its python by its full path.`,
  },
  {
    class: 'file_missing',
    pattern: /^.*(?:can't open file '[^']+'|FileNotFoundError: .*|No such file or directory).*$/m,
    advice: () =>
      "A file isn't there. Relative paths count from the job's working directory (workingDirectory, berth submit -C).",
  },
  {
    class: 'program_missing',
    pattern: /^.*(?:command not found|: not found)$/m,
    advice: () => "A program isn't on the job's PATH: name it by its full path, or set PATH in environment.",
  },
  {
    class: 'python_exception',
    // The last line of a traceback: a name, a colon, and what it says.
    pattern: /^(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Warning)\b(?::.*)?$/m,
    advice: () => 'The traceback in its log says where.',
  },
];

/** What went wrong with a task that failed, by the end of its output; null: that tells nothing known. */
export async function diagnose(directory: string, situation: Situation): Promise<Diagnosis | null> {
  const log = openLog(directory);
  const size = await log.size();
  const { chunks } = await log.read(Math.max(0, size - LAST_BYTES), LAST_BYTES);
  return diagnosisOf(Buffer.concat(chunks.map(({ data }) => data)).toString('utf8'), situation);
}

/** @param output the end of what it wrote, both streams together */
export function diagnosisOf(output: string, situation: Situation): Diagnosis | null {
  for (const { class: name, pattern, advice } of ROWS) {
    const match = lastMatch(output, pattern);
    if (!match) continue;
    const line = match[0].trim().slice(0, LONGEST_LINE);
    return { class: name, line, advice: advice(match, situation, output) };
  }
  return null;
}

function lastMatch(text: string, pattern: RegExp): RegExpExecArray | null {
  let last: RegExpExecArray | null = null;
  for (const match of text.matchAll(new RegExp(pattern, `${pattern.flags}g`)))
    last = match as RegExpExecArray;
  return last;
}

/** The first group of the last match. */
const lastOf = (text: string, pattern: RegExp): string | null =>
  [...text.matchAll(pattern)].at(-1)?.[1] ?? null;
