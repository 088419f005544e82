import type { Device, Driver } from '@berth/contract';
import type { Command } from 'commander';
import { deviceLines, holderName, placeOf, restartsOf } from '../device-words.js';
import { type Fact, factLines } from '../facts.js';
import { duration, localTime, size, UNKNOWN } from '../figures.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';
import { renderTable } from '../table.js';
import { harmless, type Terminal } from '../terminal.js';
import { type WatchOptions, watched, withWatch } from '../watch.js';

export function addDevices(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('devices')
    .argument(
      '[device...]',
      'index, 0:1 for a MIG instance, or the beginning of a UUID (default: all, a line each)',
    )
    .description('devices: load, memory, who holds them, what keeps jobs away from them');
  withExamples(command, 'berth devices', 'berth devices 0', 'berth devices 0 --watch');
  addVerb(withWatch(command), kit, outcome, watched('devices', devices));
}

const devices: Action<WatchOptions> = async ({ client, terminal }, { json }, words) => {
  for (const [i, word] of words.entries()) {
    const device = await client.devices.get(word);
    if (json) terminal.json(device);
    else {
      if (i > 0) terminal.print();
      for (const line of linesOf(device, terminal)) terminal.print(line);
    }
  }
  if (words.length > 0) return 0;

  const list = await client.devices.list();
  if (json) {
    terminal.json(list);
    return 0;
  }
  for (const line of deviceLines(list.items, terminal)) terminal.print(line);
  if (list.ledgerAgeSeconds)
    terminal.note(
      `berth: the daemon can't ask its ledger now: jobs, drains and obstacles are as of ${Math.round(list.ledgerAgeSeconds)} s ago`,
    );
  for (const restarts of [list.daemonRestarts, list.redisRestarts]) {
    const restarted = restartsOf(restarts);
    if (restarted !== null) terminal.note(`berth: ${restarted}`);
  }
  for (const line of driverLines(list.driver, list.items.length)) terminal.note(harmless(line));
  return 0;
};

function driverLines({ problem, remarks, simulated }: Driver, count: number): string[] {
  const lines = problem ? [`berth: ${problem.detail}`, `berth: ${problem.hint}`] : [];
  lines.push(...remarks.map((remark) => `berth: ${remark}`));
  if (count === 0 && lines.length === 0)
    lines.push('berth: the driver shows no device to this daemon (is CUDA_VISIBLE_DEVICES set for it?)');
  if (simulated && count > 0) lines.push('the devices are simulated: every figure of theirs is made up');
  return lines;
}

/** All there is to know of a device. What the driver doesn't say isn't shown. */
function linesOf(device: Device, terminal: Terminal): string[] {
  const { sample } = device;
  const title = `device ${placeOf(device)}  ${device.name}${device.simulated ? ' (simulated)' : ''}`;
  const facts = [
    ...useFacts(device),
    ...identityFacts(device),
    ...(sample ? sampleFacts(device, sample) : []),
    ...hostFacts(device),
  ];
  return [
    terminal.paint('bold', harmless(title)),
    ...factLines(facts, terminal),
    ...(sample?.processes?.length ? ['', ...processLines(sample.processes, terminal)] : []),
  ];
}

function useFacts(device: Device): Fact[] {
  const { health, obstacles, holders } = device;
  const isWell = health.state === 'ok' || health.state === 'unknown';
  const shared = holders.some(({ sharedBytes }) => sharedBytes !== null);
  return [
    isWell ? ['Health', health.state] : ['Health', `${health.state}: ${health.sentence ?? ''}`, 'red'],
    ...obstacles.map(({ code, sentence, since, endsBy }): Fact => {
      const until = endsBy === 'resume' ? `until: berth resume ${placeOf(device)}` : 'passes by itself';
      return ['Kept from', `jobs since ${localTime(since)}: ${sentence} (${code}; ${until})`, 'yellow'];
    }),
    ['Worker', restartsOf(device.workerRestarts), 'yellow'],
    [shared ? 'Shared by' : 'Held by', holders.length === 0 ? 'nobody' : holders.map(holding)],
  ];
}

function identityFacts(device: Device): Fact[] {
  return [
    ['Labels', labelsOf(device)],
    ['UUID', device.uuid],
    ['Node', device.node],
    ['PCI', device.pciAddress],
    ['Order', orders(device)],
    ['MIG', device.mig && `${device.mig.profile ?? 'instance'} of ${device.mig.parent}`],
    ['Kind', kindOf(device)],
    ['Memory', memoryOf(device)],
  ];
}

function sampleFacts(device: Device, sample: NonNullable<Device['sample']>): Fact[] {
  const { utilisation, memoryUtilisation, throttled } = sample;
  return [
    ['Load', joined([percent(utilisation), prefixed('memory ', percent(memoryUtilisation))])],
    ['Temperature', temperatureOf(device)],
    ['Power', powerOf(device)],
    ['Clocks', clocksOf(device)],
    ['Slowed by', throttled?.join(', ') ?? null, 'yellow'],
    ['ECC errors', eccOf(device)],
    ['Remapped', rowsOf(device)],
  ];
}

function hostFacts(device: Device): Fact[] {
  const { sample } = device;
  return [
    ['Mode', joined([prefixed('compute ', device.computeMode), persistence(device.persistenceMode)])],
    ['CPUs', joined([device.cpuAffinity, prefixed('NUMA node ', device.numaNode)])],
    ['Links', device.links.map(linkTo)],
    ['XIDs', device.xids.map(({ at, xid, meaning }) => `${localTime(at)}  ${xid}: ${meaning}`)],
    ['Sampled', sample && `${localTime(sample.takenAt)}, ${duration(sample.ageSeconds)} ago`],
  ];
}

function linkTo({ device, nvlinks, path }: Device['links'][0]): string {
  return `${device}  ${joined([nvlinks ? `${nvlinks} NVLinks` : null, path && PATHS[path]]) || UNKNOWN}`;
}

const PATHS: Record<NonNullable<Device['links'][0]['path']>, string> = {
  internal: 'same board',
  singleSwitch: 'same PCIe switch',
  multipleSwitches: 'PCIe switches',
  hostBridge: 'PCIe host bridge',
  node: 'same NUMA node',
  system: 'between NUMA nodes',
};

type Processes = NonNullable<NonNullable<Device['sample']>['processes']>;

function processLines(processes: Processes, terminal: Terminal): string[] {
  return renderTable<Processes[0]>(
    processes,
    [
      { title: 'PID', cell: ({ pid }) => String(pid), align: 'right' },
      { title: 'USER', cell: ({ user }) => user ?? UNKNOWN },
      { title: 'COMMAND', cell: ({ command }) => command ?? UNKNOWN },
      { title: 'MEMORY', cell: ({ memoryBytes }) => size(memoryBytes), align: 'right' },
      { title: 'KIND', cell: ({ kind }) => kind },
      { title: 'BELONGS TO', cell: belongsTo },
    ],
    terminal.columns,
  );
}

function belongsTo({ job, number }: Processes[0]): string {
  if (job === null) return 'no job';
  return number === null ? "another user's job" : `job ${number}`;
}

function joined(parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null && part !== '').join(', ');
}

function prefixed(words: string, figure: string | number | null): string | null {
  return figure === null ? null : `${words}${figure}`;
}

const percent = (share: number | null): string | null =>
  share === null ? null : `${Math.round(share * 100)} %`;

function orders({ index, mig, cudaIndex }: Device): string {
  const cuda = cudaIndex === null || mig ? null : `${cudaIndex} in CUDA's own order (by speed)`;
  return joined([`${index} in PCI order`, cuda]);
}

function kindOf({ architecture, computeCapability }: Device): string {
  return joined([architecture, prefixed('compute capability ', computeCapability)]);
}

function memoryOf({ sample, memoryTotalBytes }: Device): string {
  if (!sample) return size(memoryTotalBytes);
  const { memoryUsedBytes, memoryReservedBytes, jobBytes, foreignBytes } = sample;
  return joined([
    `${size(memoryUsedBytes)} of ${size(memoryTotalBytes)} used`,
    jobBytes ? `${size(jobBytes)} by jobs` : null,
    foreignBytes ? `${size(foreignBytes)} by others` : null,
    memoryReservedBytes ? `${size(memoryReservedBytes)} kept by the driver` : null,
  ]);
}

function temperatureOf({ sample, slowdownCelsius }: Device): string {
  return joined([
    degrees(sample?.temperatureCelsius ?? null),
    prefixed('slows down at ', degrees(slowdownCelsius)),
  ]);
}

const degrees = (celsius: number | null): string | null => (celsius === null ? null : `${celsius} °C`);

function powerOf({ sample, powerLimitWatts, powerLimitRangeWatts }: Device): string {
  const watts = sample?.powerWatts ?? null;
  const range = powerLimitRangeWatts;
  return joined([
    watts === null ? null : `${Math.round(watts)} W`,
    powerLimitWatts === null ? null : `limit ${Math.round(powerLimitWatts)} W`,
    range && `may be set from ${Math.round(range.least)} to ${Math.round(range.most)} W`,
  ]);
}

function clocksOf({ sample, maxClocks }: Device): string {
  const pair = (name: string, now: number | null | undefined, most: number | null): string | null =>
    now == null ? null : `${name} ${now}${most === null ? '' : ` of ${most}`} MHz`;
  return joined([
    pair('SM', sample?.clocks.smMegahertz, maxClocks.smMegahertz),
    pair('memory', sample?.clocks.memoryMegahertz, maxClocks.memoryMegahertz),
  ]);
}

function eccOf({ sample, eccEnabled }: Device): string | null {
  if (eccEnabled === false) return 'ECC is off';
  const { corrected = null, uncorrected = null } = sample?.ecc ?? {};
  return joined([
    corrected === null ? null : `${corrected} corrected`,
    uncorrected === null ? null : `${uncorrected} not corrected`,
  ]);
}

function rowsOf({ sample }: Device): string | null {
  const rows = sample?.remappedRows;
  if (!rows) return null;
  return joined([
    `${rows.correctable + rows.uncorrectable} rows`,
    rows.pending ? 'some wait for a reset' : null,
    rows.failed ? 'no spare rows are left' : null,
  ]);
}

const persistence = (on: boolean | null): string | null =>
  on === null ? null : `persistence ${on ? 'on' : 'off'}`;

function holding(holder: Device['holders'][0]): string {
  const { since, latestEnd, sharedBytes } = holder;
  const part = sharedBytes === null ? '' : `, ${size(sharedBytes)} of it`;
  const until = latestEnd === null ? '' : `, until ${localTime(latestEnd)} at the latest`;
  return `${holderName(holder)} since ${localTime(since)}${until}${part}`;
}

function labelsOf({ labels }: Device): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}
