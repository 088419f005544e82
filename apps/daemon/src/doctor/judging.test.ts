import type { Device, Driver, Finding, Restart } from '@berth/contract';
import { describe, expect, it } from 'vitest';
import { judgeContainment } from './containment.js';
import { judgeDevices } from './devices.js';
import { judgeDriver, kernelModuleIn, libraryVersionIn } from './driver.js';
import { type HostFacts, judgeHost } from './host.js';
import { judgeTorch } from './pytorch.js';
import { judgeRedis, judgeRedisProgram, type RedisFacts } from './redis.js';
import type { TorchFacts } from './torch-probe.js';

const driver: Driver = {
  driverVersion: '570.86.15',
  cudaVersion: '12.8',
  simulated: false,
  source: 'nvml',
  problem: null,
  remarks: [],
};
const device = {
  index: 0,
  mig: null,
  name: 'NVIDIA H100',
  computeCapability: '9.0',
  computeMode: 'default',
  persistenceMode: true,
  slowdownCelsius: 87,
  simulated: false,
  health: { state: 'ok', sentence: null },
  obstacles: [],
  workerRestarts: [],
  sample: {
    temperatureCelsius: 40,
    throttled: [],
    ecc: { corrected: 0, uncorrected: 0 },
    remappedRows: null,
    foreignBytes: 0,
  },
} as unknown as Device;
const restart: Restart = {
  at: '2026-11-21T02:14:00.000Z',
  exitCode: null,
  signal: 'SIGSEGV',
  sentence: 'it was ended by SIGSEGV',
};
const torch: TorchFacts = {
  python: '3.12.1',
  executable: '/usr/bin/python3',
  torch: '2.6.0+cu124',
  error: null,
  cuda: '12.4',
  cudnn: 90_100,
  available: true,
  devices: ['NVIDIA H100'],
  architectures: ['sm_80', 'sm_90', 'compute_90'],
  warnings: [],
};

/** The findings that aren't fine, as `id: level`. */
const troubles = (findings: readonly Finding[]): string[] =>
  findings.filter(({ level }) => level !== 'ok').map(({ id, level }) => `${id}: ${level}`);
const sentenceOf = (findings: readonly Finding[], id: string): string =>
  findings.find((finding) => finding.id === id)?.sentence ?? '';

describe('PyTorch', () => {
  const judge = (facts: Partial<TorchFacts>, on: Partial<Driver> = {}, devices = [device]): Finding[] =>
    judgeTorch('/usr/bin/python3', { ...torch, ...facts }, { ...driver, ...on }, devices);

  it.each<[string, Partial<TorchFacts>, Partial<Driver>, string[]]>([
    ['is fine', {}, {}, []],
    ['is missing', { torch: null, error: 'ModuleNotFoundError' }, {}, ['pytorch: warning']],
    ['is a CPU build', { cuda: null, torch: '2.1.0+cpu' }, {}, ['pytorch-build: problem']],
    ['is a CPU build where GPUs are simulated', { cuda: null }, { simulated: true }, ['pytorch-build: note']],
    ['is for AMD', { cuda: null, hip: '6.2' }, {}, ['pytorch-build: problem']],
    ['wants a newer minor version of CUDA, which does', { cuda: '12.9' }, {}, []],
    [
      'wants a newer CUDA than the driver runs',
      { cuda: '13.0', available: false },
      {},
      ['pytorch-cuda: problem', 'pytorch-available: problem'],
    ],
    ['wants a newer CUDA, and has the libraries for it', { cuda: '13.0' }, {}, []],
    ['wants a newer CUDA than a simulated driver runs', { cuda: '13.0' }, { simulated: true }, []],
    ['wants an older CUDA', { cuda: '11.8' }, {}, []],
    [
      'wants a newer CUDA 10 than the driver runs',
      { cuda: '10.2', available: false },
      { cudaVersion: '10.1' },
      ['pytorch-cuda: problem', 'pytorch-available: problem'],
    ],
    [
      'has no kernels for the device',
      { architectures: ['sm_50', 'sm_86'] },
      {},
      ['pytorch-architectures: problem'],
    ],
    ['has kernels for just the device', { architectures: ['sm_90a'] }, {}, []],
    [
      'has kernels for just another device',
      { architectures: ['sm_80a', 'compute_80a'] },
      {},
      ['pytorch-architectures: problem'],
    ],
    ['compiles its kernels when it is loaded', { architectures: ['sm_50', 'compute_80'] }, {}, []],
    [
      'sees nothing',
      { available: false, warnings: ['CUDA unknown error'] },
      {},
      ['pytorch-available: problem'],
    ],
    ['sees less than there is', { devices: [] }, {}, ['pytorch-available: warning']],
    ['fails when it is asked for CUDA', { error: 'RuntimeError: x' }, {}, ['pytorch-cuda-error: problem']],
  ])('%s', (_, facts, on, expected) => {
    expect(troubles(judge(facts, on))).toEqual(expected);
  });

  it('says what jobs will say, and what to install', () => {
    const [, build] = judge({ cuda: null, torch: '2.1.0+cpu' });
    expect(build?.sentence).toContain("'Torch not compiled with CUDA enabled'");
    expect(build?.advice).toContain('CUDA 12.8 or older');
    expect(sentenceOf(judge({ architectures: ['sm_86'] }), 'pytorch-architectures')).toContain(
      'NVIDIA H100 (sm_90)',
    );
    expect(sentenceOf(judge({}), 'pytorch-build')).toBe('PyTorch is built for CUDA 12.4, cuDNN 9.1.0');
    expect(sentenceOf(judge({ cudnn: 8902 }), 'pytorch-build')).toContain('cuDNN 8.9.2');
  });

  it('says why it sees nothing: what it warned of, else what it failed with', () => {
    const sees = (facts: Partial<TorchFacts>): string =>
      sentenceOf(judge({ available: false, ...facts }), 'pytorch-available');
    const error = 'RuntimeError: No CUDA GPUs are available';
    expect(sees({ error })).toBe(`torch.cuda.is_available() is False: ${error}`);
    expect(sees({ error, warnings: ['', 'CUDA unknown error'] })).toContain('False: CUDA unknown error');
    expect(sees({})).toBe('torch.cuda.is_available() is False');
  });

  it('need not see a lost device, nor more than one MIG instance', () => {
    const lost = { ...device, health: { state: 'lost', sentence: null } } as Device;
    expect(troubles(judge({}, {}, [device, lost]))).toEqual([]);
    const instance = { ...device, mig: { index: 0 } } as Device;
    expect(troubles(judge({}, {}, [instance, instance]))).toEqual([]);
    expect(troubles(judge({}, {}, [device, device]))).toEqual(['pytorch-available: warning']);
  });

  it('is not to be had without a python, or from one that gives no answer', () => {
    expect(troubles(judgeTorch(null, null, driver, []))).toEqual(['pytorch: warning']);
    expect(judgeTorch('/x', 'there is no such program', driver, [])[0]?.sentence).toContain(
      "/x can't be asked",
    );
  });
});

describe('the driver', () => {
  const mismatch = { code: 'driver_version_mismatch', detail: 'x', hint: 'y' };
  it.each<[string, Partial<Driver>, string | null, string[]]>([
    ['is fine', {}, '570.86.15', []],
    ['was upgraded while we run', {}, '550.54.15', ['driver-versions: problem']],
    ['was upgraded before we started', { problem: mismatch }, '550.54.15', ['driver-versions: problem']],
    ['says that it was upgraded, to which version or not', { problem: mismatch }, null, ['driver: problem']],
    ['is simulated', { simulated: true }, '550.54.15', ['driver: note']],
    [
      'is missing',
      { problem: { code: 'driver_not_found', detail: 'x', hint: 'y' } },
      null,
      ['driver: problem'],
    ],
    [
      'has a module, but no libraries',
      { problem: { code: 'driver_not_found', detail: 'x', hint: 'y' } },
      '570.86.15',
      ['driver: problem', 'driver-library: warning'],
    ],
    [
      'lacks NVML',
      { problem: { code: 'nvml_missing', detail: 'x', hint: 'y' } },
      '570.86.15',
      ['driver: warning'],
    ],
  ])('%s', (_, over, kernelModule, expected) => {
    const versions = { kernelModule, library: '570.86.15' };
    expect(troubles(judgeDriver({ ...driver, ...over }, versions))).toEqual(expected);
  });

  it.each([
    ['NVIDIA UNIX x86_64 Kernel Module  470.256.02  Thu May  2 14:37:44 UTC 2024', '470.256.02'],
    [
      'NVIDIA UNIX Open Kernel Module for x86_64  560.35.03  Release Build  (dvs-builder@U16-I3-A03-02-4)',
      '560.35.03',
    ],
    ['NVIDIA UNIX Open Kernel Module for aarch64  590.48  Release Build', '590.48'],
  ])('has a kernel module that says %s', (words, version) => {
    expect(kernelModuleIn(`NVRM version: ${words}\nGCC version:  gcc version 11.4.0 (Ubuntu 11.4.0)\n`)).toBe(
      version,
    );
  });

  it('has libraries whose files tell their version', () => {
    expect(kernelModuleIn('')).toBeNull();
    expect(libraryVersionIn('/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.570.86.15')).toBe('570.86.15');
    expect(libraryVersionIn('/usr/lib/libnvidia-ml.so.590.48 (deleted)')).toBe('590.48');
    expect(libraryVersionIn('/usr/lib/wsl/lib/libnvidia-ml.so.1')).toBeNull();
  });
});

describe('devices', () => {
  const judge = (over: object, sample: object = {}): string[] =>
    troubles(
      judgeDevices([{ ...device, ...over, sample: { ...device.sample, ...sample } } as Device], driver),
    );

  it.each<[string, object, object, string[]]>([
    ['are fine', {}, {}, []],
    [
      'are kept from jobs',
      { obstacles: [{ code: 'lost', sentence: 'x', endsBy: 'resume' }] },
      {},
      ['device-0-lost: warning'],
    ],
    ['are too hot', {}, { throttled: ['too hot (driver)'] }, ['device-0-heat: warning']],
    ['are nearly too hot', {}, { temperatureCelsius: 85 }, ['device-0-heat: note']],
    ['have memory errors', {}, { ecc: { corrected: 9, uncorrected: 2 } }, ['device-0-ecc: warning']],
    ['wait for a reset', {}, { remappedRows: { pending: true } }, ['device-0-rows: note']],
    ['are used by others', {}, { foreignBytes: 1000 }, ['device-0-foreign: note']],
    ['sleep between jobs', { persistenceMode: false }, {}, ['device-0-persistence: note']],
    ['let one process in', { computeMode: 'exclusiveProcess' }, {}, ['device-0-mode: note']],
    ['are lost', { health: { state: 'lost', sentence: null } }, {}, ['device-0-lost: warning']],
    ['hang', { health: { state: 'unresponsive', sentence: null } }, {}, ['device-0-unresponsive: warning']],
    ['allow no jobs', { computeMode: 'prohibited' }, {}, ['device-0-prohibited: warning']],
    ['are worn out', {}, { remappedRows: { failed: true } }, ['device-0-rows-failed: warning']],
    ['have lost their worker', { workerRestarts: [restart] }, {}, ['device-0-worker: warning']],
    ['say nothing', { health: { state: 'unknown', sentence: null } }, {}, ['device-0-sample: warning']],
  ])('%s', (_, over, sample, expected) => {
    expect(judge(over, sample)).toEqual(expected);
  });

  it('are counted with those that are kept from jobs', () => {
    const kept = { ...device, obstacles: [{ code: 'drained', sentence: 'x', endsBy: 'resume' }] } as Device;
    const said = (devices: readonly Device[]) => sentenceOf(judgeDevices(devices, driver), 'devices');
    expect(said([device, device])).toMatch(/^2 to run jobs on: 0 NVIDIA H100, /);
    expect(said([kept, device])).toMatch(/^1 of 2 to run jobs on: /);
  });

  it('are not there: that is a problem', () => {
    expect(troubles(judgeDevices([], driver))).toEqual(['devices: problem']);
  });

  it('may be hidden by a mask', () => {
    const remark = 'CUDA_VISIBLE_DEVICES=0 leaves 1 of 2 devices to Berth';
    const findings = judgeDevices([device], { ...driver, remarks: [remark] });
    expect(troubles(findings)).toEqual(['devices-remark: note']);
    expect(sentenceOf(findings, 'devices-remark')).toBe(remark);
  });
});

describe('Redis', () => {
  const fine: RedisFacts = {
    version: '7.0.15',
    appendOnly: 'yes',
    appendFsync: 'always',
    maxmemoryPolicy: 'noeviction',
    lastWriteOk: true,
    usedMemory: '1M',
  };
  it.each<[string, Partial<RedisFacts>, string[]]>([
    ['is fine', {}, []],
    ['keeps nothing', { appendOnly: 'no' }, ['redis-durability: problem']],
    ['writes late', { appendFsync: 'everysec' }, ['redis-durability: warning']],
    ['hides its settings', { appendOnly: null, maxmemoryPolicy: null }, ['redis-durability: note']],
    ['drops keys', { maxmemoryPolicy: 'allkeys-lru' }, ['redis-eviction: problem']],
    ['is old', { version: '6.0.16' }, ['redis-version: warning']],
    ['is just new enough', { version: '6.2.0' }, []],
    ['could not write', { lastWriteOk: false }, ['redis-disk: problem']],
  ])('%s', (_, over, expected) => {
    expect(troubles(judgeRedis({ ...fine, ...over }, true))).toEqual(expected);
  });

  it('does not answer', () => {
    expect(troubles(judgeRedis(null, false))).toEqual(['redis: problem']);
    expect(troubles(judgeRedis(fine, true, 'it was emptied'))).toEqual(['ledger: problem']);
    expect(judgeRedis(null, true, 'the disk is full')[0]?.sentence).toMatch(/^the disk is full/);
  });

  it('had died, and says when last and how', () => {
    const findings = judgeRedis(fine, true, null, [restart, restart]);
    expect(troubles(findings)).toEqual(['redis-restarts: warning']);
    expect(troubles(judgeRedis(null, true, null, [restart]))).toEqual([
      'redis: problem',
      'redis-restarts: warning',
    ]);
    expect(sentenceOf(findings, 'redis-restarts')).toBe(
      '2 restarts in the last 24 hours, the last at 2026-11-21T02:14:00.000Z: it was ended by SIGSEGV',
    );
  });

  it('is not running yet', () => {
    expect(troubles(judgeRedisProgram('/usr/bin/redis-server'))).toEqual([]);
    expect(troubles(judgeRedisProgram(null))).toEqual(['redis: problem']);
  });
});

describe('the host', () => {
  const fine: HostFacts = {
    directory: '/var/lib/berth',
    directoryMode: 0o700,
    tokenMode: 0o600,
    freeDiskBytes: 2 ** 40,
    sharedMemoryBytes: 2 ** 34,
    deviceFiles: ['/dev/nvidia0', '/dev/nvidiactl', '/dev/nvidia-uvm'],
    closedDeviceFiles: [],
    openFiles: 65_536,
  };
  it.each<[string, Partial<HostFacts>, string[]]>([
    ['is fine', {}, []],
    ['lets others pass through to the socket', { directoryMode: 0o711 }, []],
    ['lets others write', { directoryMode: 0o722 }, ['data-directory: problem']],
    ['lets others look', { directoryMode: 0o755 }, ['data-directory: problem']],
    ['lets others read the token', { tokenMode: 0o644 }, ['token: problem']],
    ['has no data directory yet', { directoryMode: null, tokenMode: null }, ['data-directory: note']],
    ['has a full disk', { freeDiskBytes: 1000 }, ['disk: problem']],
    ['has little shared memory', { sharedMemoryBytes: 64 * 2 ** 20 }, ['shared-memory: warning']],
    ['lets jobs open few files', { openFiles: 1024 }, ['open-files: warning']],
    [
      'lacks the file that CUDA needs',
      { deviceFiles: ['/dev/nvidia0', '/dev/nvidiactl'] },
      ['device-file-uvm: warning'],
    ],
    ['has no device files', { deviceFiles: [] }, []],
    ['keeps the devices from this user', { closedDeviceFiles: ['/dev/nvidia0'] }, ['device-files: problem']],
  ])('%s', (_, over, expected) => {
    expect(troubles(judgeHost({ ...fine, ...over }))).toEqual(expected);
  });
});

it.each([
  [
    { directory: '/sys/fs/cgroup/berth', controllers: ['memory', 'cpu', 'pids'] as const },
    'ok',
    'with limits of memory',
  ],
  [
    { directory: '/sys/fs/cgroup/berth', controllers: ['pids'] as const },
    'note',
    "can't be limited there by memory, cpu",
  ],
  [
    { problem: 'it is off' },
    'note',
    'by their shims (subreaper) alone, without limits of memory, CPU or processes: it is off',
  ],
])('how jobs are contained is said: %j', (groups, level, sentence) => {
  const found = judgeContainment(
    'problem' in groups ? groups : { ...groups, controllers: [...groups.controllers] },
  );
  expect(found).toMatchObject({ id: 'containment', level, sentence: expect.stringContaining(sentence) });
});
