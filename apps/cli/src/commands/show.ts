import type { BerthClient } from '@berth/client';
import type { Attempt, Job, JobDeviceUse, JobMetrics, Task } from '@berth/contract';
import { ranSeconds, waitsSeconds } from '@berth/contract/job-time';
import { isEnded } from '@berth/contract/state-groups';
import type { Command } from 'commander';
import { type Fact, factLines } from '../facts.js';
import { commandLine, duration, localTime, secondsBetween, size, UNKNOWN } from '../figures.js';
import { referenceOf, spread } from '../job-reference.js';
import { STATE_COLOURS } from '../job-words.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';
import { progressLine } from '../progress.js';
import { renderTable } from '../table.js';
import { harmless, type Terminal } from '../terminal.js';
import { type WatchOptions, watched, withWatch } from '../watch.js';

export function addShow(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('show')
    .argument('[job...]', 'number, id or "last" (default: last)')
    .description('all there is to know of a job: why it waits or how it ended, attempts, tasks');
  withExamples(command, 'berth show last', 'berth show 42 43 --json');
  addVerb(withWatch(command), kit, outcome, watched('show', show));
}

const show: Action<WatchOptions> = async (kit, { json }, words) => {
  const { client, terminal } = kit;
  for (const [i, word] of spread(words.length > 0 ? words : ['last']).entries()) {
    const job = await client.jobs.get(await referenceOf(kit, word));
    if (json) {
      terminal.json(job);
      continue;
    }
    if (i > 0) terminal.print();
    const metrics = job.state === 'running' ? await newestMetrics(client, job) : null;
    for (const line of linesOf(job, terminal, Date.now(), metrics)) terminal.print(line);
  }
  return 0;
};

/** Only an addition: where it can't be had, the job is shown without it. */
async function newestMetrics(client: BerthClient, job: Job): Promise<JobMetrics | null> {
  return client.jobs.metrics(job, { names: ['loss'], points: 1 }).catch(() => null);
}

export function linesOf(
  job: Job,
  terminal: Terminal,
  now: number,
  metrics: JobMetrics | null = null,
): string[] {
  return [
    terminal.paint('bold', harmless(`job ${job.number}  ${job.name}`)),
    ...factLines([...progressFacts(job, metrics), ...requestFacts(job), ...timeFacts(job, now)], terminal),
    ...job.notices.flatMap(({ at, sentence, detail }, i) => [
      ...factLines([[i === 0 ? 'Notices' : '', `${localTime(at)}  ${sentence}`, 'yellow']], terminal),
      ...(detail?.split('\n') ?? []).map((line) => `    ${harmless(line)}`),
    ]),
    ...factLines([['Environment', pairs(job.environment)]], terminal),
    ...job.attempts.flatMap((attempt) => ['', ...attemptLines(attempt, terminal)]),
  ];
}

function progressFacts({ state, position, reason, cause }: Job, metrics: JobMetrics | null): Fact[] {
  const place = position === null ? '' : `, place ${position} in the queue`;
  return [
    ['State', `${state}${place}`, STATE_COLOURS[state]],
    ['Reason', reason && `${reason.sentence} (${reason.code})`],
    ['Cause', cause && `${cause.sentence} (${cause.code})`],
    ['Advice', cause?.diagnosis?.advice ?? null],
    ['Progress', metrics && progressLine(metrics, 100)],
  ];
}

function requestFacts(job: Job): Fact[] {
  const { timeLimitWarning: warning, hang, schedule } = job;
  return [
    ['Id', job.id],
    ['User', job.user],
    ['Command', job.command && commandLine(job.command)],
    ['Script', job.script && scriptOf(job.script)],
    ['Directory', job.workingDirectory],
    ['Code', codeLines(job)],
    ['GPUs', `${job.gpus}${job.devices === null ? '' : ` of "${job.devices}"`}`],
    ['Sharing', sharingOf(job)],
    ['Launch', job.launch === 'perDevice' ? 'one process per device' : 'one process'],
    ['Priority', String(job.priority)],
    ['Time limit', job.timeLimit === null ? 'none' : duration(job.timeLimit)],
    ['Warning', warning && `${warning.signal} ${duration(warning.before)} before its time limit`],
    ['Limits', limitsOf(job)],
    ['Hang', hang && `${hang.action} after ${duration(hang.after)}`],
    ['Grace', duration(job.gracePeriod)],
    ['Checkpoint', checkpointOf(job)],
    ['After', job.after.map(afterOf).join(', ')],
    ['Schedule', schedule && `${schedule.id}, its time ${localTime(schedule.at)}`],
    ['Not before', job.startAfter && localTime(job.startAfter)],
    ['Retries', retriesOf(job)],
    ['Notify', job.notify.map(({ url, events }) => `${url} (${events.join(', ')})`).join(', ')],
    ['Labels', pairs(job.labels).join(', ')],
  ];
}

function timeFacts(job: Job, now: number): Fact[] {
  const [waits, ran] = [waitsSeconds(job, now), ranSeconds(job, now)];
  const isOn = !isEnded(job.state) && waits === null;
  return [
    ['Submitted', localTime(job.submittedAt)],
    ['Started', job.startedAt && localTime(job.startedAt)],
    ['Ended', job.endedAt && localTime(job.endedAt)],
    ['Waits for', waits === null ? null : duration(waits)],
    [isOn ? 'Runs for' : 'Ran for', ran === null ? null : duration(ran)],
    ['Memory', (job.deviceUse ?? []).map(useOf)],
  ];
}

function attemptLines(attempt: Attempt, terminal: Terminal): string[] {
  const indexes = new Map(attempt.devices.map(({ uuid, index }) => [uuid, String(index)]));
  const devices = attempt.devices.map(({ index, uuid }) => `${index} (${uuid})`).join(', ');
  const title = `attempt ${attempt.number} on ${attempt.node}, devices ${devices}`;
  const times = `placed ${localTime(attempt.placedAt)}, started ${localTime(attempt.startedAt)}, ended ${localTime(attempt.endedAt)}`;
  const table = renderTable<Task>(
    attempt.tasks,
    [
      { title: 'RANK', cell: ({ rank }) => String(rank), align: 'right' },
      { title: 'STATE', cell: ({ state }) => state },
      { title: 'DEVICES', cell: (task) => task.devices.map((uuid) => indexes.get(uuid) ?? uuid).join(',') },
      { title: 'PID', cell: ({ pid }) => String(pid ?? UNKNOWN), align: 'right' },
      { title: 'EXIT', cell: ({ exitCode, signal }) => String(signal ?? exitCode ?? UNKNOWN) },
      { title: 'TIME', cell: timeOfTask, align: 'right' },
      {
        title: 'CPU',
        cell: ({ cpuSeconds }) => (cpuSeconds === null ? UNKNOWN : duration(cpuSeconds)),
        align: 'right',
      },
      {
        title: 'PEAK MEMORY',
        cell: ({ memoryPeakBytes, maxResidentBytes }) => size(memoryPeakBytes ?? maxResidentBytes),
        align: 'right',
      },
    ],
    terminal.columns - 2,
  );
  return [
    terminal.paint('bold', harmless(title)),
    `  ${times}`,
    ...savingOf(attempt),
    ...(attempt.cause ? [`  ${harmless(attempt.cause.sentence)}`] : []),
    ...table.map((line) => `  ${line}`),
  ];
}

function codeLines({ code }: Job): string[] {
  if (!code) return [];
  const { commit, branch, dirty, remote, snapshot } = code;
  const changed = dirty === null ? '' : dirty ? ', with uncommitted changes' : ', nothing uncommitted';
  const version =
    commit === null ? [] : [`commit ${commit.slice(0, 12)}${branch ? ` on ${branch}` : ''}${changed}`];
  const copy = snapshot
    ? [
        `copied to ${snapshot.directory}: ${snapshot.files} files, ${size(snapshot.bytes)}`,
        ...(snapshot.changes ? [`changes: ${snapshot.changes}`] : []),
      ]
    : [];
  return [...version, ...(remote ? [remote] : []), ...copy];
}

function checkpointOf({ preemptible, checkpointSignal, checkpointPath }: Job): string | null {
  if (checkpointSignal === null) return null;
  const where = checkpointPath === null ? '' : `, seen at ${checkpointPath}`;
  return `by ${checkpointSignal}${where}${preemptible ? '; preemptible' : ''}`;
}

/** What its cause doesn't say already: that it was told to save its work. */
function savingOf({ checkpoint, endedAt }: Attempt): string[] {
  if (!checkpoint || endedAt !== null) return [];
  return [`  told to save its work by ${checkpoint.signal}, ${localTime(checkpoint.sentAt)}`];
}

function afterOf({ number, on, open }: Job['after'][0]): string {
  return `job ${number} has ${on}${open ? '' : ' (it has)'}`;
}

function retriesOf({ retry, retries }: Job): string | null {
  return retry && `${retries} of ${retry.limit}, after ${retry.on.join(', ')}`;
}

function useOf({ index, jobBytes, declaredBytes, peakBytes, foreignBytes }: JobDeviceUse): string {
  const declared = declaredBytes === null ? '' : ` of the ${size(declaredBytes)} that it declared`;
  const peak = peakBytes === null ? '' : `, ${size(peakBytes)} at the most`;
  const others = foreignBytes ? `, and ${size(foreignBytes)} there by processes of no job` : '';
  return `${size(jobBytes)}${declared} on device ${index}${peak}${others}`;
}

function sharingOf({ sharing }: Job): string | null {
  if (!sharing) return null;
  if (sharing.slots !== null) return `1/${sharing.slots} of a device`;
  const from = sharing.proposedFrom ? `, from the peak of job ${sharing.proposedFrom.join(', ')}` : '';
  return `${size(sharing.memoryBytes)} of a device${from}`;
}

function limitsOf({ limits }: Job): string | null {
  if (!limits) return null;
  const { memoryBytes, cpus, processes } = limits;
  return [
    ...(memoryBytes === null ? [] : [`${size(memoryBytes)} of host memory`]),
    ...(cpus === null ? [] : [`${cpus} cores`]),
    ...(processes === null ? [] : [`${processes} processes`]),
  ].join(', ');
}

function timeOfTask({ startedAt, endedAt }: Task): string {
  return startedAt && endedAt ? duration(secondsBetween(startedAt, endedAt)) : UNKNOWN;
}

function scriptOf(script: string): string {
  const lines = script.trimEnd().split('\n');
  const first = lines.find((line) => line.trim() !== '' && !line.startsWith('#')) ?? lines[0] ?? '';
  return lines.length === 1 ? first : `${lines.length} lines: ${first.trim()} …`;
}

function pairs(record: Record<string, string>): string[] {
  return Object.entries(record).map(([name, value]) => `${name}=${value}`);
}
