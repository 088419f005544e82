import type { Diagnosis } from '@berth/contract';

/** What the advice is made from. */
export interface Situation {
  gpus: number;
  /** Whether the job shares its device. */
  shares: boolean;
  /** Whether a signal ended it: then no exception of Python did. */
  bySignal: boolean;
  /** What the driver reported of its devices while it ran, if it did. */
  xid: string | null;
}

export interface Row {
  class: Diagnosis['class'];
  /** What shows it, in output without its ranks' prefixes; the last line of a match is the one that is shown. */
  pattern: RegExp;
  advice(match: RegExpExecArray, situation: Situation, output: string): string;
}

/**
 * What programs say when they fail, the most telling first: a later row is often only what followed from an earlier one.
 * docs/failures.md has the sources; the tests hold what these programs really print.
 */
export const FAILURES: readonly Row[] = [
  {
    class: 'cuda_out_of_memory',
    pattern: lineWith(
      /CUDA out of memory\./,
      /CUDA error: out of memory/,
      /CUDA_ERROR_OUT_OF_MEMORY/,
      /cudaErrorMemoryAllocation/,
      /cudaMalloc failed: out of memory/,
      /Cuda failure (?:\d+ )?'out of memory'/,
      /cupy\.cuda\.memory\.OutOfMemoryError/,
      /RESOURCE_EXHAUSTED: (?:Out of memory while trying|Failed) to allocate/,
      /(?:ResourceExhaustedError|OOM when allocating tensor)(?!.*device:CPU:)/,
      /CU(?:BLAS|DNN)_STATUS_ALLOC_FAILED/,
    ),
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
    pattern: lineWith(
      /Expected all tensors to be on the same device/,
      /Input type \(torch\.cuda\.\w+\) and weight type \(torch\.(?!cuda\.)\w+\) should be the same/,
      /Input type \(torch\.(?!cuda\.)\w+\) and weight type \(torch\.cuda\.\w+\) should be the same/,
      /Expected object of device type \w+ but got/,
      /Tensor on device \S+ is not on the expected device \S+!/,
      /indices should be either on \S+ or on the same device/,
      /Expected a '\w+' device type for generator but found/,
      /Received incompatible devices for jitted computation/,
      /[Tt]ensors on conflicting devices/,
    ),
    advice: ([line]) => {
      const [, one, other] =
        /two devices, (\S+?) and (\S+?)[!.,)]/.exec(line) ??
        /got \S+ is on (\S+?), different from other tensors on (\S+)/.exec(line) ??
        [];
      const found = one && other ? `One tensor is on ${one}, another on ${other}. ` : '';
      return `${found}Move the model and every input to one device (.to(device)), and make new tensors there: torch.zeros(…, device=x.device).`;
    },
  },
  {
    class: 'torch_without_cuda',
    pattern: lineWith(
      /Torch not compiled with CUDA enabled/,
      /module 'torch\._C' has no attribute '_cuda_\w+'/,
      /Distributed package doesn't have NCCL built in/,
    ),
    advice: () =>
      "This python's PyTorch is a build for the CPU. Install one for CUDA into the environment that the job uses; berth doctor says which python and PyTorch that is. Where devices are simulated there is no CUDA for any: use the CPU there.",
  },
  {
    class: 'invalid_device_ordinal',
    pattern: lineWith(
      /invalid device ordinal/,
      /Invalid device id/,
      /Attempting to deserialize object on CUDA device \d+ but torch\.cuda\.device_count\(\) is \d+/,
      /listed an invalid GPU id/,
      /Could not satisfy (?:device specification|explicit device specification) '[^']*GPU:\d+/,
      /unknown device.*GPU:\d+|GPU:\d+ unknown device/,
    ),
    advice: ([line], situation, output) => {
      const named =
        /\b(?:CUDA device |GPU id '|GPU:)(\d+)\b/.exec(line)?.[1] ??
        lastOf(output, /(?:cuda:|set_device\(\s*)(\d+)/g);
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
    pattern: lineWith(
      /CUDA driver version is insufficient for CUDA runtime version/,
      /The NVIDIA driver on your system is too old/,
      /the provided PTX was compiled with an unsupported toolchain/,
    ),
    advice: () =>
      'The driver is older than the CUDA that this program was built for: upgrade the driver, or install a build for an older CUDA. berth doctor compares them.',
  },
  {
    class: 'no_cuda_device',
    pattern: lineWith(
      /No CUDA GPUs are available/,
      /Found no NVIDIA driver on your system/,
      // TensorFlow says this and goes on without a device: by itself it is no failure.
      /no CUDA-capable device is detected(?<!failed call to cuInit.*)/,
      /No visible GPU devices/,
      /nccl2 requires at least one CUDA device/,
      /ProcessGroupNCCL is only supported with GPUs, no GPUs found/,
      /Attempting to deserialize object on a CUDA device but torch\.cuda\.is_available\(\) is False/,
    ),
    advice: () =>
      'It sees no device. Leave CUDA_VISIBLE_DEVICES as Berth sets it; in a container, start it with the NVIDIA runtime; where devices are simulated there is none for PyTorch. berth doctor says more.',
  },
  {
    class: 'device_busy',
    pattern: lineWith(/CUDA-capable device\(s\) is\/are busy or unavailable/),
    advice: () =>
      'Its device let nobody in: another process has it in exclusive mode, or it fell out. berth devices says who is on it; nvidia-smi -q -d COMPUTE tells its mode.',
  },
  {
    class: 'no_kernel_image',
    pattern: lineWith(
      /no kernel image is available for execution on the device/,
      /is not compatible with the current PyTorch installation/,
      /CUDA_ERROR_NO_BINARY_FOR_GPU/,
    ),
    advice: () =>
      "This build has no code for the device's architecture: install a PyTorch that lists it (torch.cuda.get_arch_list()), or choose other devices with constraints.minComputeCapability or model.",
  },
  {
    class: 'ecc_error',
    pattern: lineWith(
      /uncorrectable ECC error/,
      /CUDA_ERROR_ECC_UNCORRECTABLE/,
      /cudaErrorECCUncorrectable/,
      /uncorrectable NVLink error/,
    ),
    advice: () =>
      'The memory of its device is failing: run it on another, and have this one looked at (berth devices, dmesg | grep -i xid).',
  },
  {
    class: 'device_side_assert',
    pattern: lineWith(/device-side assert triggered/, /CUDA_ERROR_ASSERT/),
    advice: (_, __, output) => {
      const said = lastOf(output, /(Assertion `[^`]*` failed)/g);
      const shown = said === null ? '' : ` The kernel says: ${said}.`;
      return `A kernel checked its input and found it wrong, most often a class label or an index out of range.${shown} CUDA_LAUNCH_BLOCKING=1 makes the traceback point at the right line.`;
    },
  },
  {
    class: 'illegal_memory_access',
    pattern: lineWith(
      /an illegal memory access was encountered/,
      /CUDA_ERROR_ILLEGAL_ADDRESS/,
      /unspecified launch failure/,
      /CUDA_ERROR_LAUNCH_FAILED/,
      /misaligned address/,
      /an illegal instruction was encountered/,
    ),
    advice: () =>
      'A kernel touched memory that is not its own: a mistake in a custom kernel or an extension, seldom the device. CUDA_LAUNCH_BLOCKING=1 and compute-sanitizer find it.',
  },
  {
    class: 'collective_timeout',
    pattern: lineWith(
      /Watchdog caught collective operation timeout/,
      /Timed out waiting \d+ms for (?:recv|send) operation to complete/,
    ),
    advice: () =>
      'A rank waited for the others in vain: one of them died, hangs, or took another path through the code. Look at the log of each rank (berth logs --rank N) for the one that stopped first.',
  },
  {
    class: 'rendezvous_timeout',
    pattern: lineWith(
      /waiting for clients\. \d+\/\d+ clients joined/,
      /DistStoreError: .*[Tt]imed out/,
      /RuntimeError: Socket Timeout/,
      /RendezvousTimeoutError/,
    ),
    advice: () =>
      'Not all ranks came together. With launch: perDevice Berth starts one for each device and sets WORLD_SIZE and MASTER_PORT; leave these as they are, and look for a rank that failed before (berth logs --rank N).',
  },
  {
    class: 'nccl_failure',
    pattern: lineWith(
      /NCCL error/,
      /nccl(?:System|UnhandledCuda|Internal|Remote)Error/,
      /ncclInvalidUsage/,
      /NCCL WARN/,
    ),
    advice: () =>
      'The ranks could not talk to each other. NCCL_DEBUG=INFO says why; often another rank failed first, or /dev/shm is too small.',
  },
  {
    class: 'peer_lost',
    pattern: lineWith(/gloo\/\S+\] (?:.*)Connection (?:closed by|reset by) peer/),
    advice: () =>
      'Another rank went away while this one talked to it: the cause is in the log of that one (berth logs --rank N).',
  },
  {
    class: 'address_in_use',
    pattern: lineWith(/EADDRINUSE/, /[Aa]ddress already in use/),
    advice: () =>
      'A port is taken. With launch: perDevice Berth gives every gang a MASTER_PORT of its own; with torchrun of your own, pass --master-port=0 or --standalone.',
  },
  {
    class: 'shared_memory',
    pattern: lineWith(
      /insufficient shared memory \(shm\)/,
      /is killed by signal: Bus error/,
      /Unexpected bus error encountered in worker/,
      /Fatal Python error: Bus error/,
      /^(?:.*: line \d+: +\d+ )?Bus error/,
    ),
    advice: () =>
      '/dev/shm is full: data loaders pass batches through it. Use fewer workers, or make it larger (in a container --shm-size or --ipc=host). Without data loaders: a file that it has mapped was cut short.',
  },
  {
    class: 'data_loader_killed',
    pattern: lineWith(
      /DataLoader worker \(pid(?:\(s\))? [\d, ]+\) (?:exited unexpectedly|is killed by signal)/,
    ),
    advice: () =>
      'A worker of the data loader died, most often since the host ran out of memory (dmesg | grep -i oom). Use fewer workers, or num_workers=0 to see its own error.',
  },
  {
    class: 'host_out_of_memory',
    pattern: lineWith(
      /DefaultCPUAllocator: (?:can't allocate|not enough) memory/,
      /device:CPU:\d+ by allocator/,
      /RESOURCE_EXHAUSTED: Out of memory allocating \d+ bytes/,
      /std::bad_alloc/,
      /Cannot allocate memory/,
      /\b_?(?:Array)?MemoryError\b/,
    ),
    advice: () =>
      "The host's memory (not the device's) was not enough: load less at once, use fewer data loader workers, or memory-map the data.",
  },
  {
    class: 'disk_full',
    pattern: lineWith(
      /No space left on device/,
      /\[Errno 28\]/,
      /Disk quota exceeded/,
      /PytorchStreamWriter failed writing file/,
      /inline_container\.cc:\d+\] \. unexpected pos \d+ vs \d+/,
    ),
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
    class: 'library_missing',
    // TensorFlow says this of libraries that it goes on without.
    pattern:
      /^(?!.*Could not load dynamic library).*?\b(lib[\w.+-]*\.so[.\d]*): cannot open shared object file.*$/m,
    advice: ([, name = '']) =>
      /^libcuda\.|^libnvidia-/.test(name)
        ? `${name} belongs to the NVIDIA driver, which isn't where this program runs: install it, or start the container with the NVIDIA runtime. berth doctor says more.`
        : `The loader finds no ${name}. It asks for just this version: install a build of the package for the CUDA that is there, or the library itself into the environment that the job uses, and set LD_LIBRARY_PATH where it lies elsewhere.`,
  },
  {
    class: 'file_missing',
    pattern: lineWith(/can't open file '[^']+'/, /FileNotFoundError: /, /No such file or directory/),
    advice: () =>
      "A file isn't there. Relative paths count from the job's working directory (workingDirectory, berth submit -C).",
  },
  {
    class: 'program_missing',
    pattern: /^.*(?:command not found|: not found)$/m,
    advice: ([line]) => INSTEAD.get(programIn(line)) ?? NOT_ON_PATH,
  },
  {
    class: 'cpp_exception',
    pattern: /^terminate called after throwing an instance of '[^']+'(?:\n\s+what\(\): .*)?$/m,
    advice: () =>
      'A C++ library gave up. gdb -batch -ex run -ex bt --args your command shows where; for PyTorch TORCH_SHOW_CPP_STACKTRACES=1 does.',
  },
  {
    class: 'segmentation_fault',
    pattern: lineWith(
      /Fatal Python error: Segmentation fault/,
      /^(?:.*: line \d+: +\d+ )?Segmentation fault/,
    ),
    advice: () =>
      'Native code touched memory that is not its own, most often in an extension built for another version. python -X faulthandler shows the line of Python that led there.',
  },
  {
    class: 'python_exception',
    // What a launcher says of its ranks comes last, and tells less than they do.
    pattern: tracebackOf(/(?!\S*(?:ChildFailedError|CalledProcessError)\b)/),
    advice: ([traceback]) => whereRaised(traceback),
  },
  {
    class: 'python_exception',
    pattern: tracebackOf(/(?:)/),
    advice: ([traceback]) => whereRaised(traceback),
  },
  {
    class: 'python_exception',
    pattern: /^(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Warning)\b(?::.*)?$/m,
    advice: () => 'Its log says more.',
  },
  {
    class: 'killed',
    pattern: lineWith(/^(?:.*: line \d+: +\d+ )?Killed\b/),
    advice: () =>
      'Something killed a process of it; where nobody did, the host ran out of memory (dmesg | grep -i oom).',
  },
];

const NOT_ON_PATH =
  "A program isn't on the job's PATH: name it by its full path, or set PATH in environment.";

/** What scripts bring along from clusters and from interactive shells. */
const INSTEAD = new Map([
  [
    'srun',
    'srun belongs to Slurm. Leave it out for one process; for one process per device submit the program itself with launch: perDevice (berth submit -G 2 --launch perDevice), or start it by torchrun.',
  ],
  [
    'module',
    'module is a function of login shells: begin the script with #!/bin/bash -l, or name what you need by full paths.',
  ],
  [
    'conda',
    'conda is a function of interactive shells: submit from the activated environment (berth passes PATH and CONDA_PREFIX on), or name its python by its full path.',
  ],
]);

/** `srun` in `script: 2: srun: not found`. */
const programIn = (line: string): string => /(\S+): (?:command )?not found$/.exec(line)?.[1] ?? '';

/** A line that contains one of these, or begins with one that has a `^`. */
function lineWith(...patterns: RegExp[]): RegExp {
  const begins = patterns.filter(({ source }) => source.startsWith('^')).map(({ source }) => source);
  const inside = patterns.filter(({ source }) => !source.startsWith('^')).map(({ source }) => source);
  const anywhere = inside.length > 0 ? [`^.*(?:${inside.join('|')}).*$`] : [];
  return new RegExp([...anywhere, ...begins.map((source) => `${source}.*$`)].join('|'), 'm');
}

/** A traceback of Python up to the line of its exception, before which `guard` holds. */
function tracebackOf(guard: RegExp): RegExp {
  return new RegExp(
    `^Traceback \\(most recent call last\\):\\n(?:[ \\t].*\\n|\\n)+${guard.source}\\S.*$`,
    'm',
  );
}

function whereRaised(traceback: string): string {
  const frames = [...traceback.matchAll(/^ {2}File "([^"]+)", line (\d+)(?:, in (.+))?$/gm)];
  const own = frames.findLast(
    ([, file]) => !/\/(?:site|dist)-packages\/|\/lib\/python3|^</.test(file as string),
  );
  const [, file, line, name] = own ?? frames.at(-1) ?? [];
  if (!file) return 'Its log says more.';
  const place = name && name !== '<module>' ? ` (${name})` : '';
  return `It comes from ${file}, line ${line}${place}; the traceback in its log shows the way there.`;
}

const devices = ({ gpus }: Situation): string =>
  gpus === 1 ? 'one device, cuda:0' : `${gpus} devices, cuda:0 to cuda:${gpus - 1}`;

/** The first group of the last match. */
const lastOf = (text: string, pattern: RegExp): string | null =>
  [...text.matchAll(pattern)].at(-1)?.[1] ?? null;
