import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NATIVE_BUILD } from './native.js';

const PROBE = fileURLToPath(new URL(`../${NATIVE_BUILD}/cuda-probe`, import.meta.url));
/** CUDA's start wakes the devices, one after the other. */
const PATIENCE_MS = 30_000;

/** A device as the CUDA driver API shows it. */
export interface CudaDevice {
  uuid: string;
  name: string;
  memoryTotalBytes: number | null;
  computeCapability: string | null;
  pciAddress: string | null;
}

/** What CUDA shows a program; `error` says why it shows nothing. */
export interface CudaView {
  /** In CUDA's own order: the first is `cuda:0`. */
  devices: CudaDevice[];
  /** The newest CUDA that the driver runs, such as `12.8`. */
  cudaVersion: string | null;
  simulated: boolean;
  /** `no_library`, `timeout`, or a name such as `CUDA_ERROR_NO_DEVICE`. */
  error: { code: string; message: string } | null;
}

/**
 * Asks CUDA itself what it enumerates, in a process of its own: in the environment that is given, so by its
 * CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER. A CUDA that hangs is left after half a minute.
 * @param options.libraryDirectory where libcuda.so.1 is; left out: where the linker finds it
 */
export async function probeCuda(
  environment: NodeJS.ProcessEnv,
  options: { libraryDirectory?: string } = {},
): Promise<CudaView> {
  const { libraryDirectory } = options;
  const env = { ...environment };
  if (libraryDirectory)
    env.LD_LIBRARY_PATH = [libraryDirectory, env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  try {
    const { stdout } = await promisify(execFile)(PROBE, { env, timeout: PATIENCE_MS, killSignal: 'SIGKILL' });
    return viewOf(JSON.parse(stdout) as Answer);
  } catch (error) {
    const { killed, message } = error as Error & { killed?: boolean };
    return nothing(
      killed
        ? { code: 'timeout', message: `CUDA has not started within ${PATIENCE_MS / 1000} s` }
        : { code: 'no_library', message },
    );
  }
}

type Answer =
  | { error: { code: string; message: string } }
  | { error?: never; version: number; simulated: boolean; devices: (CudaDevice | null)[] };

function viewOf(answer: Answer): CudaView {
  if (answer.error) return nothing(answer.error);
  const { version, simulated } = answer;
  const devices = answer.devices.filter((device): device is CudaDevice => device?.uuid != null);
  // CUDA counts 12.8 as 12080.
  const cudaVersion =
    version > 0 ? `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}` : null;
  return { devices, cudaVersion, simulated, error: null };
}

function nothing(error: { code: string; message: string }): CudaView {
  return { devices: [], cudaVersion: null, simulated: false, error };
}
