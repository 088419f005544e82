import { DeviceUnresponsive } from './driver-errors.js';
import type { Enumeration } from './facts.js';
import { deviceFacts, type RawDeviceFacts, type RawDriverFacts, type RawLink } from './raw-answers.js';

/** What is asked of a driver to know its devices. */
export interface Questions {
  facts(): Promise<RawDriverFacts>;
  count(): Promise<number>;
  /** @throws where the GPU is lost, or isn't answered for in time */
  gpu(index: number): Promise<RawDeviceFacts[]>;
  links(uuid: string): Promise<RawLink[]>;
}

/**
 * Asks for one GPU after another, so that one which is lost or hangs is missing alone.
 *
 * The devices are counted in PCI order, as CUDA_DEVICE_ORDER=PCI_BUS_ID does. That is NVML's own order (NVML API Reference,
 * nvmlDeviceGetHandleByIndex_v2), in which one that can't be asked keeps its number.
 */
export async function enumerate(questions: Questions): Promise<Enumeration> {
  const count = await questions.count();
  const gpus: RawDeviceFacts[][] = [];
  const pending: Promise<unknown>[] = [];
  for (let index = 0; index < count; index += 1) {
    try {
      gpus.push(await questions.gpu(index));
    } catch (error) {
      if (error instanceof DeviceUnresponsive) pending.push(error.answered);
    }
  }
  const ordered = [...gpus].sort((one, other) => (address(one) < address(other) ? -1 : 1));
  const isInOrder = ordered.every((gpu, i) => gpu === gpus[i]);
  const devices: Enumeration['devices'] = [];
  for (const [place, gpu] of ordered.entries()) {
    const [whole, ...instances] = gpu as [RawDeviceFacts, ...RawDeviceFacts[]];
    const index = isInOrder ? whole.index : place;
    const links = await questions.links(whole.uuid).catch(() => []);
    const placeOf = ({ uuid }: RawLink): number => ordered.findIndex(([other]) => other?.uuid === uuid);
    devices.push(
      deviceFacts(
        whole,
        index,
        links.sort((a, b) => placeOf(a) - placeOf(b)),
      ),
    );
    devices.push(...instances.map((instance) => deviceFacts(instance, index, [])));
  }
  const driver = { ...(await questions.facts()), unreachable: count - gpus.length };
  return { driver, devices, pending };
}

const address = ([gpu]: readonly RawDeviceFacts[]): string => gpu?.pciAddress ?? '';
