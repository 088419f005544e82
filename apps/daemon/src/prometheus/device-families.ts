import type { Device } from '@berth/contract';
import { Counter, Gauge, type Registry } from 'prom-client';

/** By whose names devices are told of. */
export type Names = 'berth' | 'dcgm';

/** What DCGM's exporter counts in, and how often that goes into our base unit. */
const UNITS = { MiB: 2 ** -20, '%': 100, C: 1, W: 1, mJ: 1000, MHz: 1e-6, '': 1 };

/** A figure of a device in base units; null, not known, is left out. One that ends in _total only grows. */
type Family = [
  name: string,
  help: string,
  figure: (device: Device) => number | null | undefined,
  /** As its exporter's default-counters.csv has it, without DCGM_FI_DEV_. */
  dcgm?: string,
  unit?: keyof typeof UNITS,
];

// biome-ignore format: a table
const FAMILIES: readonly Family[] = [
  ['memory_total_bytes', 'Memory of the device.', (device) => device.memoryTotalBytes],
  ['memory_used_bytes', 'Memory that processes have, without what the driver keeps for itself.', ({ sample }) => sample?.memoryUsedBytes, 'FB_USED', 'MiB'],
  ['memory_free_bytes', 'Memory that nobody has.', ({ sample }) => sample?.memoryFreeBytes, 'FB_FREE', 'MiB'],
  ['memory_driver_bytes', 'Memory that the driver keeps for itself.', ({ sample }) => sample?.memoryReservedBytes, 'FB_RESERVED', 'MiB'],
  ['memory_jobs_bytes', 'Memory that processes of jobs have.', ({ sample }) => sample?.jobBytes],
  ['memory_foreign_bytes', 'Memory that processes of no job have.', ({ sample }) => sample?.foreignBytes],
  ['utilisation_ratio', 'The share of time in which a kernel ran.', ({ sample }) => sample?.utilisation, 'GPU_UTIL', '%'],
  ['memory_utilisation_ratio', 'The share of time in which memory was read or written.', ({ sample }) => sample?.memoryUtilisation, 'MEM_COPY_UTIL', '%'],
  ['temperature_celsius', 'Temperature of the GPU.', ({ sample }) => sample?.temperatureCelsius, 'GPU_TEMP', 'C'],
  ['memory_temperature_celsius', 'Temperature of the memory.', ({ sample }) => sample?.memoryTemperatureCelsius, 'MEMORY_TEMP', 'C'],
  ['power_watts', 'Power that the board draws.', ({ sample }) => sample?.powerWatts, 'POWER_USAGE', 'W'],
  ['energy_joules_total', 'Energy that the board has taken since the driver was loaded.', ({ sample }) => sample?.energyJoules, 'TOTAL_ENERGY_CONSUMPTION', 'mJ'],
  ['sm_clock_hertz', 'Clock of the multiprocessors.', ({ sample }) => hertz(sample?.clocks.smMegahertz), 'SM_CLOCK', 'MHz'],
  ['memory_clock_hertz', 'Clock of the memory.', ({ sample }) => hertz(sample?.clocks.memoryMegahertz), 'MEM_CLOCK', 'MHz'],
  ['last_xid', 'The last XID that the driver reported; 0: none.', ({ xids }) => xids[0]?.xid ?? 0, 'XID_ERRORS'],
  ['pcie_replays_total', 'Packets that were sent again over PCIe since the driver was loaded.', ({ sample }) => sample?.pcieReplays, 'PCIE_REPLAY_COUNTER'],
  ['nvlink_transmitted_bytes_total', 'What was sent over NVLink since the driver was loaded.', ({ sample }) => sample?.nvlink?.transmittedBytes],
  ['nvlink_received_bytes_total', 'What came over NVLink since the driver was loaded.', ({ sample }) => sample?.nvlink?.receivedBytes],
  ['nvlink_flit_crc_errors_total', 'CRC errors of NVLink in flow control.', ({ sample }) => sample?.nvlink?.flitCrcErrors, 'NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL'],
  ['nvlink_data_crc_errors_total', 'CRC errors of NVLink in data.', ({ sample }) => sample?.nvlink?.dataCrcErrors, 'NVLINK_CRC_DATA_ERROR_COUNT_TOTAL'],
  ['nvlink_replays_total', 'What was sent again over NVLink.', ({ sample }) => sample?.nvlink?.replays, 'NVLINK_REPLAY_ERROR_COUNT_TOTAL'],
  ['nvlink_recoveries_total', 'How often an NVLink had to be recovered.', ({ sample }) => sample?.nvlink?.recoveries, 'NVLINK_RECOVERY_ERROR_COUNT_TOTAL'],
  ['ecc_corrected_errors_total', 'Corrected errors of its memory since the driver was loaded.', ({ sample }) => sample?.ecc.corrected, 'ECC_SBE_VOL_TOTAL'],
  ['ecc_uncorrected_errors_total', 'Uncorrected errors of its memory since the driver was loaded.', ({ sample }) => sample?.ecc.uncorrected, 'ECC_DBE_VOL_TOTAL'],
  ['remapped_rows_correctable_total', 'Rows of its memory that were remapped after corrected errors.', ({ sample }) => sample?.remappedRows?.correctable, 'CORRECTABLE_REMAPPED_ROWS'],
  ['remapped_rows_uncorrectable_total', 'Rows of its memory that were remapped after uncorrected errors.', ({ sample }) => sample?.remappedRows?.uncorrectable, 'UNCORRECTABLE_REMAPPED_ROWS'],
  ['row_remap_failed', 'Whether it has no spare rows left: 1 or 0.', ({ sample }) => sample?.remappedRows && Number(sample.remappedRows.failed), 'ROW_REMAP_FAILURE'],
  ['held_ratio', 'What part of it is given to jobs: 1 for one that has it to itself.', heldRatio],
  ['healthy', 'Whether the driver reaches it and it is well: 1 or 0.', ({ health: { state } }) => (state === 'unknown' ? null : Number(state === 'ok'))],
  ['schedulable', 'Whether nothing keeps jobs away from it: 1 or 0.', ({ obstacles }) => Number(obstacles.length === 0)],
  ['sample_age_seconds', 'How long ago the driver was asked for these figures.', ({ sample }) => sample?.ageSeconds],
];

function hertz(megahertz: number | null | undefined): number | null {
  return megahertz == null ? null : megahertz * 1e6;
}

/** What part of a device is given to jobs. */
function heldRatio({ holders, memoryTotalBytes }: Device): number | null {
  const parts = holders.map(({ sharedBytes }) =>
    sharedBytes === null ? 1 : memoryTotalBytes === null ? Number.NaN : sharedBytes / memoryTotalBytes,
  );
  const ratio = parts.reduce((sum, part) => sum + part, 0);
  return Number.isNaN(ratio) ? null : ratio;
}

/** Adds the figures of all devices to a registry. What isn't known is left out, as is what DCGM has no name for. */
export function addDevices(registry: Registry, devices: readonly Device[], names: Names): void {
  const labelsOf = names === 'dcgm' ? dcgmLabels : berthLabels;
  const labels = devices.map(labelsOf);
  const labelNames = [...new Set(labels.flatMap(Object.keys))];
  for (const [own, help, figureOf, dcgm, unit = ''] of FAMILIES) {
    if (names === 'dcgm' && !dcgm) continue;
    const told =
      names === 'dcgm'
        ? { name: `DCGM_FI_DEV_${dcgm}`, help: unit ? `${help} (in ${unit})` : help }
        : { name: `berth_device_${own}`, help };
    const options = { ...told, labelNames, registers: [registry] };
    const family = own.endsWith('_total') ? new Counter(options) : new Gauge(options);
    for (const [i, device] of devices.entries()) {
      const figure = figureOf(device);
      if (figure == null) continue;
      family.inc(labels[i] as Record<string, string>, figure * (names === 'dcgm' ? UNITS[unit] : 1));
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
