/**
 * As much of nvidia-smi as these tests ask for, over the driver that the linker finds: so that they can be tried with
 * simulated devices. It has its figures from Berth's own core, so what it agrees with is no news.
 */
import { openDriver } from '../../packages/cuda-core/dist/index.js';

const MIB = 2 ** 20;
const argv = process.argv.slice(2).join(' ');
const driver = await openDriver();
const { devices, driver: info } = await driver.enumerate();
const gpus = devices.filter(({ mig }) => !mig);

const onOff = (value) => (value === null ? null : value ? 'Enabled' : 'Disabled');
const FIGURES = {
  uuid: ({ uuid }) => uuid,
  name: ({ name }) => name,
  'pci.bus_id': ({ pciAddress }) => pciAddress.toUpperCase(),
  'memory.total': ({ memoryTotalBytes }) => Math.round(memoryTotalBytes / MIB),
  'memory.used': (_, { memoryUsedBytes }) => Math.round(memoryUsedBytes / MIB),
  driver_version: () => info.driverVersion,
  'power.limit': ({ powerLimitWatts }) => powerLimitWatts?.toFixed(2),
  'temperature.gpu': (_, { temperatureCelsius }) => temperatureCelsius,
  'temperature.memory': (_, { memoryTemperatureCelsius }) => memoryTemperatureCelsius,
  'ecc.mode.current': ({ eccEnabled }) => onOff(eccEnabled),
  'mig.mode.current': ({ migEnabled }) => (migEnabled === false ? '[N/A]' : onOff(migEnabled)),
  persistence_mode: ({ persistenceMode }) => onOff(persistenceMode),
  compute_mode: ({ computeMode }) => computeMode && computeMode[0].toUpperCase() + computeMode.slice(1),
  'clocks.max.sm': ({ maxClocks }) => maxClocks.smMegahertz,
  ...(process.env.BERTH_OLD_NVIDIA_SMI ? {} : { compute_cap: ({ computeCapability }) => computeCapability }),
};

const [, query] = /--query-gpu=(\S+)/.exec(argv) ?? [];
if (argv === '-L') {
  for (const device of devices) {
    if (device.mig)
      console.log(`  MIG ${device.mig.profile}     Device  ${device.mig.index}: (UUID: ${device.uuid})`);
    else console.log(`GPU ${device.index}: ${device.name} (UUID: ${device.uuid})`);
  }
} else if (query) {
  const fields = query.split(',');
  const unknown = fields.find((field) => !(field in FIGURES));
  if (unknown) {
    console.log(`Field "${unknown}" is not a valid field to query.\n`);
    process.exit(2);
  }
  for (const gpu of gpus) {
    const sample = await driver.sample(gpu.uuid);
    console.log(fields.map((field) => FIGURES[field](gpu, sample) ?? '[N/A]').join(', '));
  }
} else if (argv.includes('--query-compute-apps=pid,gpu_uuid,used_memory')) {
  for (const { uuid } of gpus) {
    for (const { pid, memoryBytes } of (await driver.sample(uuid)).processes ?? [])
      console.log(`${pid}, ${uuid}, ${memoryBytes === null ? '[N/A]' : Math.round(memoryBytes / MIB)}`);
  }
} else {
  console.error(`this nvidia-smi knows no ${argv}`);
  process.exit(1);
}
await driver.close();
