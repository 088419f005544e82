import type { Device, Driver, Finding } from '@berth/contract';
import { findingsOf } from './finding.js';
import type { TorchFacts } from './torch-probe.js';

const { ok, note, warning, problem } = findingsOf('pytorch');

/** Whether jobs that are started with this python can use the devices. */
export function judgeTorch(
  python: string | null,
  answer: TorchFacts | string | null,
  driver: Driver,
  devices: readonly Device[],
): Finding[] {
  if (python === null || answer === null)
    return [
      warning(
        'pytorch',
        'there is no python on the PATH',
        'Install one, or name it: berth doctor --python PATH',
      ),
    ];
  if (typeof answer === 'string')
    return [
      warning(
        'pytorch',
        `${python} can't be asked for its PyTorch: ${answer}`,
        'Name another: berth doctor --python PATH',
      ),
    ];
  const { torch, error, executable } = answer;
  if (torch === null) {
    const advice =
      'Install PyTorch for this python, or activate the environment that has it; or name its python: berth doctor --python PATH';
    return [
      warning(
        'pytorch',
        `${executable} (Python ${answer.python}) has no PyTorch: ${error ?? 'unknown'}`,
        advice,
      ),
    ];
  }
  return [
    ok('pytorch', `PyTorch ${torch} in ${executable} (Python ${answer.python})`),
    ...judgeBuild(answer, driver, devices),
  ];
}

function judgeBuild(facts: TorchFacts, driver: Driver, devices: readonly Device[]): Finding[] {
  const supported = driver.cudaVersion;
  const choose = `Choose the build for CUDA ${supported ?? '(see the driver)'} or older in PyTorch's installation selector`;
  if (facts.hip)
    return [problem('pytorch-build', `PyTorch here is built for AMD's ROCm ${facts.hip}`, `${choose}`)];
  if (!facts.cuda) {
    const sentence = `PyTorch here is a CPU build (${facts.torch}): jobs fail with 'Torch not compiled with CUDA enabled'`;
    return driver.simulated || devices.length === 0
      ? [
          note(
            'pytorch-build',
            `PyTorch here is a CPU build (${facts.torch}); there is no real GPU for it either`,
          ),
        ]
      : [problem('pytorch-build', sentence, choose)];
  }
  const cudnn = facts.cudnn ? `, cuDNN ${cudnnVersion(facts.cudnn)}` : '';
  const findings = [ok('pytorch-build', `PyTorch is built for CUDA ${facts.cuda}${cudnn}`)];
  // Nothing real would run there, whatever a real driver of that version could.
  if (driver.simulated) return findings;
  // Where it works, it works: NVIDIA's compatibility libraries bring a newer CUDA to an older driver.
  if (!facts.available && supported && !runs(supported, facts.cuda)) {
    findings.push(
      problem(
        'pytorch-cuda',
        `PyTorch wants CUDA ${facts.cuda}, but the driver runs ${supported} and older`,
        `Upgrade the driver, or: ${choose}`,
      ),
    );
  }
  const lacking = devices.filter(
    (device) => !hasKernels(facts.architectures ?? [], device.computeCapability),
  );
  if (facts.architectures?.length && lacking.length > 0) {
    const which = [
      ...new Set(
        lacking.map(({ name, computeCapability }) => `${name} (sm_${computeCapability?.replace('.', '')})`),
      ),
    ];
    findings.push(
      problem(
        'pytorch-architectures',
        `PyTorch has no kernels for ${which.join(', ')}; it has ${facts.architectures.join(', ')}`,
        'Take a newer (or for old GPUs an older) build of PyTorch',
      ),
    );
  }
  return [...findings, judgeUse(facts, devices)];
}

/** What it says of itself where it is asked for the devices. */
function judgeUse({ available, error, warnings, ...facts }: TorchFacts, devices: readonly Device[]): Finding {
  if (available === false) {
    const reason = warnings?.find(Boolean) ?? error;
    return problem(
      'pytorch-available',
      `torch.cuda.is_available() is False${reason ? `: ${reason}` : ''}`,
      'See what nvidia-smi says, and whether /dev/nvidia-uvm is there (nvidia-modprobe -u -c=0)',
    );
  }
  if (error)
    return problem(
      'pytorch-cuda-error',
      `PyTorch fails when it is asked for CUDA: ${error}`,
      'See what nvidia-smi and the kernel log (dmesg) say',
    );
  const seen = facts.devices ?? [];
  const sentence = `PyTorch sees ${seen.length} ${seen.length === 1 ? 'device' : 'devices'}: ${seen.join(', ')}`;
  // CUDA shows a process one MIG instance at the most.
  const there = devices.some(({ mig }) => mig)
    ? 1
    : devices.filter(({ health }) => health.state !== 'lost').length;
  return seen.length < there
    ? warning(
        'pytorch-available',
        `${sentence}, where Berth has ${there}`,
        'Jobs on the others will fail: see what nvidia-smi and the kernel log (dmesg) say of them',
      )
    : ok('pytorch-available', sentence);
}

/** 8902 is 8.9.2; from 9 on 90100 is 9.1.0. */
function cudnnVersion(number: number): string {
  const [major, rest] =
    number >= 90_000
      ? [Math.floor(number / 10_000), number % 10_000]
      : [Math.floor(number / 1000), number % 1000];
  return `${major}.${Math.floor(rest / 100)}.${rest % 100}`;
}

/** CUDA Compatibility, "Minor Version Compatibility": within a major version from 11 on, any driver of that version does. */
function runs(supported: string, wanted: string): boolean {
  const [major, minor] = supported.split('.').map(Number) as [number, number];
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number) as [number, number];
  return wantedMajor < major || (wantedMajor === major && (major >= 11 || wantedMinor <= minor));
}

/**
 * Binary code runs on its own major version from its minor version on, and `compute_` code is compiled when it is loaded;
 * what ends in `a` is for that very version (CUDA C++ Programming Guide, "Compute Capability").
 */
function hasKernels(architectures: readonly string[], capability: string | null): boolean {
  if (capability === null) return true;
  const [major, minor] = capability.split('.').map(Number) as [number, number];
  return architectures.some((architecture) => {
    const match = /^(sm|compute)_(\d+)(\d)(a?)$/.exec(architecture);
    if (!match) return true;
    const [, kind, of, from, exact] = match;
    if (exact) return Number(of) === major && Number(from) === minor;
    if (kind === 'compute') return Number(of) < major || (Number(of) === major && Number(from) <= minor);
    return Number(of) === major && Number(from) <= minor;
  });
}
