import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BerthClient } from '@berth/client';
import type { Device, Job, JobSubmissionInput } from '@berth/contract';
import type { Command } from 'commander';
import { type GlobalOptions, signInAddress } from '../connection.js';
import { type DaemonProcess, ensureDaemon, stopDaemon } from '../demo/daemon-process.js';
import { hasNvidiaDriver } from '../demo/driver.js';
import { findTorch, type Python } from '../demo/python.js';
import { deviceLines } from '../device-words.js';
import { CliError, codeOfJob, EXIT } from '../exit-codes.js';
import { commandLine } from '../figures.js';
import { Detached, passLog, untilInterrupted } from '../follow.js';
import { endOf } from '../job-words.js';
import { type Kit, type Outcome, withExamples, withGlobalOptions } from '../kit.js';

const EXAMPLES = fileURLToPath(new URL('../../../../examples', import.meta.url));
const SIMULATED = '2xH100-80GB';
const QUICK = ['--epochs', '2000'];
/** Slow steps, so that whoever opens the dashboard sees the loss fall, for most of a minute on a CPU. */
const LONG = ['--epochs', '40000', '--lr', '0.00005'];
/** More than enough: so that of the job that waits is known when it starts at the latest. */
const TIME_LIMIT = '30m';
/** For how long somebody at a terminal may look at the dashboard afterwards. */
const LOOKING_SECONDS = 60;

interface DemoOptions extends GlobalOptions {
  full?: boolean;
  keep?: boolean;
  listen: string;
}

export function addDemo(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('demo')
    .description(
      'watch a real PyTorch training job run on the device that it names, beside one that fails and one that waits',
    )
    .option('--full', 'train for most of a minute, as on a terminal, instead of seconds')
    .option('--keep', 'leave the daemon running afterwards')
    .option('--listen <host:port>', 'where its daemon listens', '127.0.0.1:0');
  withExamples(command, 'berth demo', 'berth demo --keep');
  withGlobalOptions(command).action(async () => {
    outcome.code = await demo(kit, command.optsWithGlobals<DemoOptions>());
  });
}

/**
 * Starts a daemon, submits a training over HTTP with one job beside it that fails and one that waits, follows the training to
 * its end, and leaves nothing running behind itself.
 */
async function demo(kit: Kit, options: DemoOptions): Promise<number> {
  const { host, terminal } = kit;
  if (options.url) throw new CliError(EXIT.usage, 'demo runs a daemon of its own; leave out --url');
  const program = join(EXAMPLES, 'mlp.py');
  if (!existsSync(program)) throw new CliError(EXIT.failure, `the demo's program is missing: ${program}`);
  const named = options.dataDir ?? (host.environment.BERTH_DATA_DIR || undefined);
  const directory = resolve(host.directory, named ?? '.berth/demo');
  const simulate = host.environment.BERTH_SIMULATE || hasNvidiaDriver() ? [] : ['--simulate', SIMULATED];

  let daemon: DaemonProcess | null = null;
  try {
    return await untilInterrupted(kit, async (signal) => {
      const python = await findTorch(host.environment, signal);
      daemon = await ensureDaemon(directory, ['--listen', options.listen, ...simulate], host, signal);
      const stage = { daemon, directory, python, program, full: options.full };
      const ended = await showJob(kit, stage, signal);
      sayNext(kit, stage, options, simulate);
      if (daemon.isOurs && !options.keep) await letLook(kit, signal);
      return codeOfJob(ended);
    });
  } catch (error) {
    if (!(error instanceof Detached)) throw error;
    terminal.note('\nberth: the demo was interrupted, and its job cancelled');
    return EXIT.detached;
  } finally {
    await cleanUp(kit, daemon, options);
  }
}

interface Stage {
  daemon: DaemonProcess;
  directory: string;
  python: Python;
  program: string;
  full: boolean | undefined;
}

async function showJob(kit: Kit, stage: Stage, signal: AbortSignal): Promise<Job> {
  const { terminal } = kit;
  const { daemon, directory, python, program } = stage;
  const token = readFileSync(join(directory, 'token'), 'utf8').trim();
  const client = new BerthClient({ url: daemon.url, token });
  const { items, driver } = await client.devices.list({ signal });
  if (items.length === 0) {
    const { detail, hint } = driver.problem ?? { detail: 'the driver shows no device', hint: '' };
    throw new CliError(EXIT.failure, `${detail} ${hint}`.trim());
  }
  step(
    kit,
    daemon.isOurs ? 'berthd started' : 'berthd runs already',
    `on ${daemon.url}, data in ${directory}`,
  );
  for (const line of deviceLines(items, terminal)) terminal.print(`  ${line}`);
  if (items.some(({ simulated }) => simulated)) {
    terminal.print('  These devices are simulated; the training is real, on the CPU.');
  }

  const isLong = stage.full || terminal.isInteractive;
  const submission: JobSubmissionInput = {
    name: 'mlp',
    command: [python.path, program, ...(isLong ? LONG : QUICK)],
    workingDirectory: EXAMPLES,
    devices: items.length > 1 ? '1' : '0',
    timeLimit: TIME_LIMIT,
  };
  const job = await client.jobs.submit(submission, { signal });
  step(kit, `job ${job.number} submitted`, `with PyTorch ${python.torchVersion}; the same by curl:`);
  for (const line of curlLines(daemon.url, directory, submission)) terminal.print(`  ${line}`);

  // Among the jobs of others they would be in the way, and wait for who knows how long.
  const others = daemon.isOurs ? await submitOthers(client, python, items.length, signal) : [];
  if (others[0]) sayOthers(kit, others, directory);

  step(kit, 'the dashboard', dashboardOf(kit, daemon, directory, token));
  step(kit, 'its output', 'as it comes:');
  const ended = await follow(kit, client, [job, ...others], signal);
  step(kit, endOf(ended), '');
  terminal.print(`  exit code ${exitOf(ended)}, on ${deviceOf(ended, items)}`);
  return ended;
}

/** One that fails and one that can't start before all others have ended. */
async function submitOthers(
  client: BerthClient,
  python: Python,
  devices: number,
  signal: AbortSignal,
): Promise<Job[]> {
  const failing = { name: 'too-large', command: [python.path, join(EXAMPLES, 'oom.py')], devices: '0' };
  const waiting = { name: 'needs-all', command: [python.path, '-c', 'print("all mine")'], gpus: devices };
  const submit = (job: JobSubmissionInput): Promise<Job> =>
    client.jobs.submit({ ...job, workingDirectory: EXAMPLES }, { signal });
  return [await submit(failing), await submit(waiting)];
}

function sayOthers(kit: Kit, [failing, waiting]: readonly Job[], directory: string): void {
  const ask = (verb: string, job: Job | undefined): string =>
    `npx berth ${verb} ${job?.number} ${commandLine(['--data-dir', directory])}`;
  step(kit, 'two more beside it', 'to ask about:');
  kit.terminal.print(`  one that fails, for want of memory    ${ask('show', failing)}`);
  kit.terminal.print(`  one that waits for all devices        ${ask('why', waiting)}`);
}

/** To somebody at a terminal the address that signs in; what others keep, such as a log, gets no token. */
function dashboardOf(
  { terminal }: Kit,
  { url, isOurs }: DaemonProcess,
  directory: string,
  token: string,
): string {
  const command = `npx berth dashboard ${commandLine(['--data-dir', directory])}`;
  if (!terminal.isInteractive || !isOurs) return `${url} (${command} prints an address that signs in)`;
  return signInAddress(url, token);
}

/** Follows the first job's output, until all have ended. */
async function follow(
  kit: Kit,
  client: BerthClient,
  jobs: readonly [Job, ...Job[]],
  signal: AbortSignal,
): Promise<Job> {
  const [job] = jobs;
  try {
    await passLog({ client, terminal: kit.terminal }, job, { follow: true, signal });
    const [ended] = await Promise.all(jobs.map((each) => client.jobs.wait(each, { signal })));
    return ended as Job;
  } catch (error) {
    // Unlike elsewhere Ctrl-C means the jobs, too: nobody would look for them later.
    if (signal.aborted) {
      for (const each of jobs) await client.jobs.cancel(each);
      await Promise.all(
        jobs.map((each) => client.jobs.wait(each, { timeoutSeconds: each.gracePeriod + 10 })),
      );
    }
    throw error;
  }
}

/** Keeps the dashboard up for somebody at a terminal, until a key or Ctrl-C. */
async function letLook(kit: Kit, signal: AbortSignal): Promise<void> {
  const { host, terminal } = kit;
  if (!terminal.isInteractive || !host.onKey) return;
  step(kit, 'The dashboard stays', `for ${LOOKING_SECONDS} seconds more; any key ends the demo`);
  const enough = new AbortController();
  const stopListening = host.onKey(() => enough.abort());
  await sleep(LOOKING_SECONDS * 1000, undefined, { signal: AbortSignal.any([signal, enough.signal]) }).catch(
    () => undefined,
  );
  stopListening();
}

async function cleanUp({ host, terminal }: Kit, daemon: DaemonProcess | null, { keep }: DemoOptions) {
  if (!daemon?.isOurs || keep) return;
  const stopListening = host.onInterrupt(() => terminal.note('berth: a moment, the daemon is stopping'));
  const hasStopped = await stopDaemon(daemon).finally(stopListening);
  if (!hasStopped) terminal.note(`berth: the demo's berthd (pid ${daemon.pid}) is slow to stop; see its log`);
}

function step({ terminal }: Kit, what: string, more: string): void {
  terminal.print(`\n${terminal.paint('bold', what)}${more ? ` ${more}` : ''}`);
}

/** The token stays in its file: what is on the screen is soon in somebody's chat. */
function curlLines(url: string, directory: string, submission: JobSubmissionInput): string[] {
  const file = commandLine([join(directory, 'token')]);
  return [
    `curl ${url}/v1/jobs \\`,
    `  -H "Authorization: Bearer $(cat ${file})" \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d ${commandLine([JSON.stringify(submission)])}`,
  ];
}

function exitOf({ attempts }: Job): string {
  const task = attempts.at(-1)?.tasks[0];
  return String(task?.signal ?? task?.exitCode ?? 'unknown');
}

function deviceOf({ attempts }: Job, items: readonly Device[]): string {
  const used = attempts.at(-1)?.devices ?? [];
  const names = used.map(({ uuid, index }) => {
    const device = items.find((each) => each.uuid === uuid);
    return `device ${index}${device ? ` (${device.name}${device.simulated ? ', simulated' : ''})` : ''}`;
  });
  return names.join(', ') || 'no device';
}

function sayNext(
  kit: Kit,
  { daemon, directory, python, program }: Stage,
  { keep }: DemoOptions,
  simulate: readonly string[],
): void {
  const { terminal } = kit;
  const training = commandLine([python.path, program]);
  const place = commandLine(['--data-dir', directory]);
  const staysUp = keep || !daemon.isOurs;
  step(
    kit,
    'And now',
    staysUp ? 'the daemon goes on running:' : 'start a daemon of your own, and give it work:',
  );
  const lines = staysUp
    ? [
        `npx berth submit ${place} --follow -- ${training}`,
        `npx berth ls ${place}`,
        `npx berth dashboard ${place}    # the address of the web page`,
        `kill ${daemon.pid}    # stops it; the API is ${daemon.url}, its token in ${join(directory, 'token')}`,
      ]
    : [
        `${commandLine(['npm', 'start', ...(simulate.length > 0 ? ['--', ...simulate] : [])])}    # until Ctrl-C; the API is http://127.0.0.1:7700`,
        `npx berth submit --follow -- ${training}    # in another terminal`,
        'npx berth dashboard    # the address of the web page',
      ];
  for (const line of lines) terminal.print(`  ${line}`);
}
