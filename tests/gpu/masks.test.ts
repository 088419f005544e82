import { execFileSync } from 'node:child_process';
import { type MaskDevice, openDriver, probeCuda, readMask } from '@berth/cuda-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { masksFor } from './adapted-masks.js';
import { findPyTorch, nameOf } from './pytorch.js';
import { code, report, tableOf } from './report.js';

/** How many ask CUDA at a time: starting CUDA takes memory and time on each device. */
const LANES = 4;

let devices: MaskDevice[];
let masks: (string | undefined)[];
beforeAll(async () => {
  const driver = await openDriver();
  const { devices: all } = await driver.enumerate();
  await driver.close();
  const divided = new Set(all.map(({ mig }) => mig?.parent));
  devices = all.filter(({ uuid }) => !divided.has(uuid));
  masks = masksFor(devices);
});

const environmentOf = (mask: string | undefined): NodeJS.ProcessEnv => ({
  ...process.env,
  CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
  CUDA_VISIBLE_DEVICES: mask,
});

describe('a mask', () => {
  it('shows what readMask says, to a program that asks the CUDA driver', { timeout: 900_000 }, async () => {
    const seen = await inLanes(masks, async (mask) => {
      const { devices: visible, error } = await probeCuda(environmentOf(mask));
      return { uuids: visible.map(({ uuid }) => uuid), error: error?.code ?? null };
    });
    const rows = masks.map((mask, i) => {
      const expected = readMask(mask, devices);
      const actual = seen[i] as (typeof seen)[number];
      return { mask, expected, actual, agrees: expected.uuids.join() === actual.uuids.join() };
    });
    const wrong = rows.filter(({ agrees }) => !agrees);
    report(
      'Masks, as the CUDA driver reads them',
      `${rows.length} masks over ${devices.length} device(s); of ${rows.filter(({ expected }) => expected.uuids.length > 0).length} ` +
        `something is to be seen. The driver disagrees with readMask on ${wrong.length}.`,
      tableOf(
        ['mask', 'readMask', 'CUDA', 'its answer where it shows none', ''],
        rows.map(({ mask, expected, actual, agrees }) => [
          code(mask),
          placesOf(expected.uuids),
          placesOf(actual.uuids),
          actual.error ?? '',
          agrees ? '' : '**DIFFERS**',
        ]),
      ),
    );
    expect(wrong).toEqual([]);
    // Whoever shows nothing says that there is nothing, and not that something is broken.
    for (const { actual } of rows.filter(({ expected }) => expected.uuids.length === 0))
      expect(['CUDA_ERROR_NO_DEVICE', 'CUDA_ERROR_INVALID_DEVICE', null]).toContain(actual.error);
  });

  it('shows as many to PyTorch', { timeout: 900_000 }, (test) => {
    const pytorch = findPyTorch();
    if (!pytorch?.cuda) {
      report('Masks, as PyTorch reads them', `Not compared: ${nameOf(pytorch)}.`);
      return test.skip(nameOf(pytorch));
    }
    const counts = execFileSync(pytorch.python, ['-c', COUNT], {
      input: JSON.stringify(masks.map((mask) => mask ?? null)),
      encoding: 'utf8',
      env: environmentOf(undefined),
      maxBuffer: 2 ** 26,
    })
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { parsed: number; driver: number });
    expect(counts).toHaveLength(masks.length);
    const rows = masks.map((mask, i) => {
      const { parsed, driver } = counts[i] as (typeof counts)[number];
      return { mask, expected: readMask(mask, devices).uuids.length, parsed, driver };
    });
    const differ = rows.filter(({ expected, parsed, driver }) => expected !== parsed || expected !== driver);
    report(
      'Masks, as PyTorch reads them',
      `${nameOf(pytorch)}. \`torch.cuda.device_count()\` reads the mask itself, with NVML; the CUDA runtime, which PyTorch ` +
        `asks when it computes, reads it again. ${differ.length} of ${rows.length} masks are read differently by one of them.`,
      ...(differ.length === 0
        ? []
        : [
            tableOf(
              ['mask', 'readMask', 'device_count()', 'CUDA runtime'],
              differ.map(({ mask, expected, parsed, driver }) => [code(mask), expected, parsed, driver]),
            ),
          ]),
    );
    // What PyTorch makes of masks that nobody writes is its own affair; what the runtime sees is not.
    expect(rows.filter(({ expected, driver }) => expected !== driver)).toEqual([]);
  });
});

/** Each mask in a process of its own, as CUDA reads it once; PyTorch is loaded once, and CUDA isn't started by that. */
const COUNT = `
import json, os, sys, torch
for mask in json.load(sys.stdin):
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    if mask is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = mask
    if os.fork() == 0:
        parsed = torch.cuda.device_count()
        try:
            driver = torch._C._cuda_getDeviceCount()
        except Exception:
            driver = 0
        print(json.dumps({"parsed": parsed, "driver": driver}), flush=True)
        os._exit(0)
    os.wait()
`;

const placesOf = (uuids: readonly string[]): string =>
  uuids.map((uuid) => devices.findIndex((device) => device.uuid === uuid)).join(', ') || 'none';

/** One after another in each lane, and the answers in the order of the questions. */
async function inLanes<Q, A>(questions: readonly Q[], ask: (question: Q) => Promise<A>): Promise<A[]> {
  const answers: A[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < questions.length; i = next++) answers[i] = await ask(questions[i] as Q);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return answers;
}
