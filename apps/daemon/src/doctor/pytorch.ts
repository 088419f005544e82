import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Device, Driver, Finding } from '@berth/contract';
import { findingsOf } from './finding.js';

const PROBE = fileURLToPath(new URL('../../python/torch_probe.py', import.meta.url));
/** Importing torch from a cold disk takes its time. */
const PATIENCE_MS = 60_000;

/** What torch_probe.py says. */
export interface TorchFacts {
  python: string;
  executable: string;
  /** Its version; null: it can't be imported, and `error` says why. */
  torch: string | null;
  error: string | null;
  /** The CUDA that it was built for; null: none. */
  cuda?: string | null;
  hip?: string | null;
  cudnn?: number | null;
  available?: boolean;
  devices?: string[];
  /** Such as `sm_90`. */
  architectures?: string[];
  warnings?: string[];
}

/** The first python on the PATH; null: there is none. */
export function findPython(environment: NodeJS.ProcessEnv): string | null {
  for (const folder of (environment.PATH ?? '').split(delimiter)) {
    for (const name of ['python3', 'python']) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not here.
      }
    }
  }
  return null;
}

/** Asks a python for its PyTorch. A text says why it gave no answer. */
export async function probeTorch(
  python: string,
  environment: NodeJS.ProcessEnv,
): Promise<TorchFacts | string> {
  try {
    const options = { env: environment, timeout: PATIENCE_MS, killSignal: 'SIGKILL' as const };
    const { stdout } = await promisify(execFile)(python, [PROBE], options);
    return JSON.parse(stdout) as TorchFacts;
  } catch (error) {
    const { killed, code, message } = error as Error & { killed?: boolean; code?: string | number };
    if (killed) return `it gave no answer within ${PATIENCE_MS / 1000} s`;
    if (code === 'ENOENT') return 'there is no such program';
    return message.split('\n').at(-1)?.trim() || message;
  }
}

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
  const findings = [ok('pytorch-build', `it is built for CUDA ${facts.cuda}${cudnn}`)];
  if (supported && !runs(supported, facts.cuda)) {
    findings.push(
      problem(
        'pytorch-cuda',
        `it wants CUDA ${facts.cuda}, but the driver runs ${supported} and older`,
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
        `it has no kernels for ${which.join(', ')}; it has ${facts.architectures.join(', ')}`,
        'Take a newer (or for old GPUs an older) build of PyTorch',
      ),
    );
  }
  if (driver.simulated) return findings;
  if (facts.error)
    findings.push(
      problem(
        'pytorch-cuda-error',
        `asked for CUDA it fails: ${facts.error}`,
        'See what nvidia-smi and the kernel log (dmesg) say',
      ),
    );
  else if (!facts.available)
    findings.push(
      problem(
        'pytorch-available',
        `torch.cuda.is_available() is False${facts.warnings?.[0] ? `: ${facts.warnings[0]}` : ''}`,
        'See what nvidia-smi says, and whether /dev/nvidia-uvm is there (nvidia-modprobe -u -c=0)',
      ),
    );
  else
    findings.push(
      ok(
        'pytorch-available',
        `it sees ${facts.devices?.length ?? 0} devices: ${(facts.devices ?? []).join(', ')}`,
      ),
    );
  return findings;
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

/** Binary code runs on its own major version from its minor version on; `compute_` is compiled when it is loaded. */
function hasKernels(architectures: readonly string[], capability: string | null): boolean {
  if (capability === null) return true;
  const [major, minor] = capability.split('.').map(Number) as [number, number];
  return architectures.some((architecture) => {
    const match = /^(sm|compute)_(\d+)(\d)a?$/.exec(architecture);
    if (!match) return true;
    const [, kind, of, from] = match;
    if (kind === 'compute') return Number(of) < major || (Number(of) === major && Number(from) <= minor);
    return Number(of) === major && Number(from) <= minor;
  });
}
