/** What a model of GPU is like, as its data sheet and NVML say. */
export interface Profile {
  name: string;
  memoryMiB: number;
  computeCapability: string;
  /** nvmlDeviceArchitecture_t */
  architecture: number;
  graphicsMegahertz: number;
  memoryMegahertz: number;
  multiprocessors: number;
  powerWatts: { limit: number; least: number; most: number };
  slowdownCelsius: number;
  ecc: boolean;
  /** On a board whose GPUs are linked by switches; 0: it has none. */
  nvlinks: number;
  /** MIG profiles by name (NVIDIA MIG User Guide, "Supported GPUs"); none: it can't be divided. */
  mig: Record<string, MigProfile>;
  /** Of one compute slice. */
  sliceMultiprocessors: number;
}

export interface MigProfile {
  /** Of seven. */
  computeSlices: number;
  /** Of eight. */
  memorySlices: number;
}

function migProfiles(one: number, two: number, four: number, eight: number): Record<string, MigProfile> {
  return {
    [`1g.${one}gb`]: { computeSlices: 1, memorySlices: 1 },
    [`1g.${two}gb`]: { computeSlices: 1, memorySlices: 2 },
    [`2g.${two}gb`]: { computeSlices: 2, memorySlices: 2 },
    [`3g.${four}gb`]: { computeSlices: 3, memorySlices: 4 },
    [`4g.${four}gb`]: { computeSlices: 4, memorySlices: 4 },
    [`7g.${eight}gb`]: { computeSlices: 7, memorySlices: 8 },
  };
}

const UNDIVIDED = { nvlinks: 0, mig: {}, sliceMultiprocessors: 0 };
const HOPPER = {
  computeCapability: '9.0',
  architecture: 9,
  graphicsMegahertz: 1980,
  multiprocessors: 132,
  sliceMultiprocessors: 16,
  ecc: true,
  nvlinks: 18,
};
const AMPERE = {
  computeCapability: '8.0',
  architecture: 7,
  graphicsMegahertz: 1410,
  multiprocessors: 108,
  sliceMultiprocessors: 14,
  ecc: true,
  nvlinks: 12,
};
const ADA = { ...UNDIVIDED, computeCapability: '8.9', architecture: 8 };

/** Names and memory as NVML gives them. */
export const PROFILES: Record<string, Profile> = {
  'H200-141GB': {
    ...HOPPER,
    name: 'NVIDIA H200',
    memoryMiB: 143_771,
    memoryMegahertz: 3201,
    powerWatts: { limit: 700, least: 200, most: 700 },
    slowdownCelsius: 87,
    mig: migProfiles(18, 35, 71, 141),
  },
  'H100-80GB': {
    ...HOPPER,
    name: 'NVIDIA H100 80GB HBM3',
    memoryMiB: 81_559,
    memoryMegahertz: 2619,
    powerWatts: { limit: 700, least: 200, most: 700 },
    slowdownCelsius: 87,
    mig: migProfiles(10, 20, 40, 80),
  },
  'A100-80GB': {
    ...AMPERE,
    name: 'NVIDIA A100-SXM4-80GB',
    memoryMiB: 81_920,
    memoryMegahertz: 1593,
    powerWatts: { limit: 400, least: 100, most: 400 },
    slowdownCelsius: 89,
    mig: migProfiles(10, 20, 40, 80),
  },
  'A100-40GB': {
    ...AMPERE,
    name: 'NVIDIA A100-SXM4-40GB',
    memoryMiB: 40_960,
    memoryMegahertz: 1215,
    powerWatts: { limit: 400, least: 100, most: 400 },
    slowdownCelsius: 89,
    mig: migProfiles(5, 10, 20, 40),
  },
  'L40S-48GB': {
    ...ADA,
    name: 'NVIDIA L40S',
    memoryMiB: 46_068,
    graphicsMegahertz: 2520,
    memoryMegahertz: 9001,
    multiprocessors: 142,
    powerWatts: { limit: 350, least: 100, most: 350 },
    slowdownCelsius: 88,
    ecc: true,
  },
  'A10-24GB': {
    ...UNDIVIDED,
    name: 'NVIDIA A10',
    memoryMiB: 23_028,
    computeCapability: '8.6',
    architecture: 7,
    graphicsMegahertz: 1695,
    memoryMegahertz: 6251,
    multiprocessors: 72,
    powerWatts: { limit: 150, least: 100, most: 150 },
    slowdownCelsius: 95,
    ecc: true,
  },
  'RTX4090-24GB': {
    ...ADA,
    name: 'NVIDIA GeForce RTX 4090',
    memoryMiB: 24_564,
    graphicsMegahertz: 3105,
    memoryMegahertz: 10_501,
    multiprocessors: 128,
    powerWatts: { limit: 450, least: 150, most: 600 },
    slowdownCelsius: 88,
    ecc: false,
  },
  'T4-16GB': {
    ...UNDIVIDED,
    name: 'Tesla T4',
    memoryMiB: 15_360,
    computeCapability: '7.5',
    architecture: 6,
    graphicsMegahertz: 1590,
    memoryMegahertz: 5001,
    multiprocessors: 40,
    powerWatts: { limit: 70, least: 60, most: 70 },
    slowdownCelsius: 93,
    ecc: true,
  },
};
