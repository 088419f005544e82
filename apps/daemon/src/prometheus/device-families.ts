import type { Device } from '@berth/contract';
import { Counter, Gauge, type Registry } from 'prom-client';

/** By whose names devices are told of. */
export type Names = 'berth' | 'dcgm';

/** A figure of a device, in base units; and what DCGM's exporter calls it and counts it in. */
interface Family {
  name: string;
  help: string;
  kind?: 'counter';
  /** null: not known, and then it is left out. */
  read(device: Device): number | null | undefined;
  dcgm?: { name: string; help: string; times: number };
}

const MIB = 2 ** -20;
const PERCENT = 100;
const MEGAHERTZ = 1e-6;

const hertz = (megahertz: number | null | undefined): number | null =>
  megahertz == null ? null : megahertz * 1e6;

/** What part of a device is given to jobs. */
function heldRatio({ holders, memoryTotalBytes }: Device): number | null {
  const parts = holders.map(({ sharedBytes }) =>
    sharedBytes === null ? 1 : memoryTotalBytes === null ? Number.NaN : sharedBytes / memoryTotalBytes,
  );
  const ratio = parts.reduce((sum, part) => sum + part, 0);
  return Number.isNaN(ratio) ? null : ratio;
}

/** Names and units of DCGM as in its exporter's default-counters.csv. */
export const FAMILIES: readonly Family[] = [
  {
    name: 'berth_device_memory_total_bytes',
    help: 'Memory of the device.',
    read: ({ memoryTotalBytes }) => memoryTotalBytes,
  },
  {
    name: 'berth_device_memory_used_bytes',
    help: 'Memory that processes have, without what the driver keeps for itself.',
    read: ({ sample }) => sample?.memoryUsedBytes,
    dcgm: { name: 'DCGM_FI_DEV_FB_USED', help: 'Framebuffer memory used (in MiB).', times: MIB },
  },
  {
    name: 'berth_device_memory_free_bytes',
    help: 'Memory that nobody has.',
    read: ({ sample }) => sample?.memoryFreeBytes,
    dcgm: { name: 'DCGM_FI_DEV_FB_FREE', help: 'Framebuffer memory free (in MiB).', times: MIB },
  },
  {
    name: 'berth_device_memory_driver_bytes',
    help: 'Memory that the driver keeps for itself.',
    read: ({ sample }) => sample?.memoryReservedBytes,
    dcgm: { name: 'DCGM_FI_DEV_FB_RESERVED', help: 'Framebuffer memory reserved (in MiB).', times: MIB },
  },
  {
    name: 'berth_device_memory_jobs_bytes',
    help: 'Memory that processes of jobs have.',
    read: ({ sample }) => sample?.jobBytes,
  },
  {
    name: 'berth_device_memory_foreign_bytes',
    help: 'Memory that processes of no job have.',
    read: ({ sample }) => sample?.foreignBytes,
  },
  {
    name: 'berth_device_utilisation_ratio',
    help: 'The share of time in which a kernel ran.',
    read: ({ sample }) => sample?.utilisation,
    dcgm: { name: 'DCGM_FI_DEV_GPU_UTIL', help: 'GPU utilization (in %).', times: PERCENT },
  },
  {
    name: 'berth_device_memory_utilisation_ratio',
    help: 'The share of time in which memory was read or written.',
    read: ({ sample }) => sample?.memoryUtilisation,
    dcgm: { name: 'DCGM_FI_DEV_MEM_COPY_UTIL', help: 'Memory utilization (in %).', times: PERCENT },
  },
  {
    name: 'berth_device_temperature_celsius',
    help: 'Temperature of the GPU.',
    read: ({ sample }) => sample?.temperatureCelsius,
    dcgm: { name: 'DCGM_FI_DEV_GPU_TEMP', help: 'GPU temperature (in C).', times: 1 },
  },
  {
    name: 'berth_device_power_watts',
    help: 'Power that the board draws.',
    read: ({ sample }) => sample?.powerWatts,
    dcgm: { name: 'DCGM_FI_DEV_POWER_USAGE', help: 'Power draw (in W).', times: 1 },
  },
  {
    name: 'berth_device_sm_clock_hertz',
    help: 'Clock of the multiprocessors.',
    read: ({ sample }) => hertz(sample?.clocks.smMegahertz),
    dcgm: { name: 'DCGM_FI_DEV_SM_CLOCK', help: 'SM clock frequency (in MHz).', times: MEGAHERTZ },
  },
  {
    name: 'berth_device_memory_clock_hertz',
    help: 'Clock of the memory.',
    read: ({ sample }) => hertz(sample?.clocks.memoryMegahertz),
    dcgm: { name: 'DCGM_FI_DEV_MEM_CLOCK', help: 'Memory clock frequency (in MHz).', times: MEGAHERTZ },
  },
  {
    name: 'berth_device_last_xid',
    help: 'The last XID that the driver reported; 0: none.',
    read: ({ xids }) => xids[0]?.xid ?? 0,
    dcgm: { name: 'DCGM_FI_DEV_XID_ERRORS', help: 'Value of the last XID error encountered.', times: 1 },
  },
  {
    name: 'berth_device_ecc_corrected_errors_total',
    help: 'Corrected errors of its memory since the driver was loaded.',
    kind: 'counter',
    read: ({ sample }) => sample?.ecc.corrected,
    dcgm: {
      name: 'DCGM_FI_DEV_ECC_SBE_VOL_TOTAL',
      help: 'Total number of single-bit volatile ECC errors.',
      times: 1,
    },
  },
  {
    name: 'berth_device_ecc_uncorrected_errors_total',
    help: 'Uncorrected errors of its memory since the driver was loaded.',
    kind: 'counter',
    read: ({ sample }) => sample?.ecc.uncorrected,
    dcgm: {
      name: 'DCGM_FI_DEV_ECC_DBE_VOL_TOTAL',
      help: 'Total number of double-bit volatile ECC errors.',
      times: 1,
    },
  },
  {
    name: 'berth_device_remapped_rows_correctable_total',
    help: 'Rows of its memory that were remapped after corrected errors.',
    kind: 'counter',
    read: ({ sample }) => sample?.remappedRows?.correctable,
    dcgm: {
      name: 'DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS',
      help: 'Number of remapped rows for correctable errors',
      times: 1,
    },
  },
  {
    name: 'berth_device_remapped_rows_uncorrectable_total',
    help: 'Rows of its memory that were remapped after uncorrected errors.',
    kind: 'counter',
    read: ({ sample }) => sample?.remappedRows?.uncorrectable,
    dcgm: {
      name: 'DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS',
      help: 'Number of remapped rows for uncorrectable errors',
      times: 1,
    },
  },
  {
    name: 'berth_device_row_remap_failed',
    help: 'Whether it has no spare rows left: 1 or 0.',
    read: ({ sample }) => sample?.remappedRows && Number(sample.remappedRows.failed),
    dcgm: { name: 'DCGM_FI_DEV_ROW_REMAP_FAILURE', help: 'Whether remapping of rows has failed', times: 1 },
  },
  {
    name: 'berth_device_held_ratio',
    help: 'What part of it is given to jobs: 1 for one that has it to itself.',
    read: heldRatio,
  },
  {
    name: 'berth_device_healthy',
    help: 'Whether the driver reaches it and it is well: 1 or 0.',
    read: ({ health: { state } }) => (state === 'unknown' ? null : Number(state === 'ok')),
  },
  {
    name: 'berth_device_schedulable',
    help: 'Whether nothing keeps jobs away from it: 1 or 0.',
    read: ({ obstacles }) => Number(obstacles.length === 0),
  },
  {
    name: 'berth_device_sample_age_seconds',
    help: 'How long ago the driver was asked for these figures.',
    read: ({ sample }) => sample?.ageSeconds,
  },
];

/** Adds the figures of all devices to a registry. What isn't known is left out, as is what DCGM has no name for. */
export function addDevices(registry: Registry, devices: readonly Device[], names: Names): void {
  const labelsOf = names === 'dcgm' ? dcgmLabels : berthLabels;
  const labels = devices.map(labelsOf);
  const labelNames = [...new Set(labels.flatMap(Object.keys))];
  for (const { kind, read, dcgm, ...own } of FAMILIES) {
    const told = names === 'dcgm' ? dcgm : { ...own, times: 1 };
    if (!told) continue;
    const { name, help, times } = told;
    const options = { name, help, labelNames, registers: [registry] };
    const family = kind === 'counter' ? new Counter(options) : new Gauge(options);
    for (const [i, device] of devices.entries()) {
      const figure = read(device);
      if (figure != null) family.inc(labels[i] as Record<string, string>, figure * times);
    }
  }
  if (names === 'dcgm') return;
  const info = new Gauge({
    name: 'berth_device_info',
    help: 'What a device is; always 1.',
    labelNames: [...labelNames, 'name', 'profile', 'pci_address', 'simulated'],
    registers: [registry],
  });
  for (const [i, { name, mig, pciAddress, simulated }] of devices.entries()) {
    const what = {
      name,
      profile: mig?.profile ?? '',
      pci_address: pciAddress ?? '',
      simulated: String(simulated),
    };
    info.set({ ...labels[i], ...what }, 1);
  }
}

function berthLabels({ index, mig, uuid, node }: Device): Record<string, string> {
  return { gpu: mig ? `${index}:${mig.index}` : String(index), uuid, node };
}

/** As DCGM's exporter has them: of an instance the UUID is its GPU's. */
function dcgmLabels({
  index,
  mig,
  uuid,
  node,
  minorNumber,
  pciAddress,
  name,
}: Device): Record<string, string> {
  return {
    gpu: String(index),
    UUID: mig?.parent ?? uuid,
    pci_bus_id: pciAddress ?? '',
    device: `nvidia${minorNumber ?? index}`,
    modelName: name,
    ...(mig ? { GPU_I_PROFILE: mig.profile ?? '', GPU_I_ID: String(mig.gpuInstance ?? '') } : {}),
    Hostname: node,
  };
}
