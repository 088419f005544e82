import { DeviceUnresponsive, DriverError, driverError } from './driver-errors.js';
import { enumerate } from './enumerate.js';
import type { DeviceEvent, DeviceSample, Enumeration } from './facts.js';
import { native } from './native.js';
import { keepAliveFor, settlesWithin, waitAtMost } from './patience.js';
import { deviceEvent, deviceSample } from './raw-answers.js';

/** Longer than a driver needs that has to wake eight devices first. */
const ANSWER_PATIENCE_MS = 30_000;
/** Much longer than a device needs that is well: a sample takes milliseconds. */
export const SAMPLE_PATIENCE_MS = 3_000;
const CLOSE_PATIENCE_MS = 2_000;
/** How long one wait for events is; what happens is told at once, the rest is only to notice the end. */
const EVENT_WAIT_MS = 60_000;

/**
 * NVIDIA's driver, opened. Its calls run on a thread of the driver's own, one after another. One that hangs blocks neither
 * JavaScript nor the end of the process, and after its patience is over no later call either.
 */
export interface Driver {
  /**
   * GPUs in PCI order, with their MIG instances; those that are lost or hang are missing.
   * @throws DriverError where the driver can't say how many there are, or hangs
   */
  enumerate(): Promise<Enumeration>;
  /**
   * What a device does now, that `enumerate` has told of.
   * @throws DeviceUnresponsive where the driver doesn't answer in time
   */
  sample(uuid: string): Promise<DeviceSample>;
  /** Tells of XIDs and ECC errors as they happen, until the driver is closed. */
  watch(onEvent: (event: DeviceEvent) => void): void;
  /** Ends the driver, and leaves one that hangs behind after 2 s. Calls after this are refused. */
  close(): Promise<void>;
}

/**
 * Opens NVML (and the CUDA driver API, for what NVML doesn't say) at run time.
 * @param options.libraryDirectory where the libraries are; left out: where the linker finds them
 * @param options.samplePatienceMs how long a device may take to answer
 * @throws DriverError
 */
export async function openDriver(
  options: { libraryDirectory?: string; samplePatienceMs?: number; answerPatienceMs?: number } = {},
): Promise<Driver> {
  const { samplePatienceMs = SAMPLE_PATIENCE_MS, answerPatienceMs = ANSWER_PATIENCE_MS } = options;
  const driver = new (native().Driver)(options.libraryDirectory ?? '');

  const answer = async <T>(call: Promise<T>): Promise<T> => {
    if (!(await keepAliveFor(answerPatienceMs, settlesWithin(answerPatienceMs, call)))) {
      driver.abandon();
      const words = `nothing came within ${answerPatienceMs / 1000} s`;
      throw new DriverError(
        'driver_unresponsive',
        words,
        call.catch(() => undefined),
      );
    }
    try {
      return await call;
    } catch (error) {
      throw driverError(error as Error);
    }
  };

  const inTime = async <T>(device: string, call: Promise<T>): Promise<T> => {
    const waited = settlesWithin(samplePatienceMs, call);
    if (await keepAliveFor(samplePatienceMs, waited)) return call;
    driver.abandon();
    throw new DeviceUnresponsive(
      device,
      samplePatienceMs,
      call.catch(() => undefined),
    );
  };

  await answer(driver.open());
  let closed = false;
  return {
    enumerate: () =>
      enumerate({
        facts: () => answer(driver.facts()),
        count: () => answer(driver.count()),
        gpu: (index) => inTime(`GPU ${index}`, driver.gpu(index)),
        links: (uuid) => inTime(uuid, driver.links(uuid)),
      }),

    sample: async (uuid) => deviceSample(await inTime(uuid, driver.sample(uuid))),

    watch(onEvent) {
      void (async () => {
        while (!closed) {
          for (const event of await driver.events(EVENT_WAIT_MS)) if (!closed) onEvent(deviceEvent(event));
        }
      })().catch(() => undefined); // It is closed.
    },

    async close() {
      closed = true;
      await waitAtMost(CLOSE_PATIENCE_MS, driver.close());
    },
  };
}
