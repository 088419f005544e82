import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Driver, openDriver } from '../driver.js';
import type { DeviceFacts, DeviceSample } from '../facts.js';
import { native, SIMULATED_LIBRARIES } from '../native.js';
import { changeSimulation } from './change.js';
import { COMMANDS } from './commands.js';
import { SimulationError } from './errors.js';

/** `berth-sim`: changes a simulation under the daemon, or whoever else looks at it. */

const EXIT = { ok: 0, failure: 1, usage: 2 } as const;

const HELP = `Usage: berth-sim [--state FILE | --data-dir DIR] COMMAND

Changes simulated devices while a daemon runs on them. The state is that of --state, of BERTH_SIMULATED_STATE, or
simulation.state in the daemon's data directory (--data-dir, BERTH_DATA_DIR, or where berthd has it by default).

  show${' '.repeat(24)}what the devices do now
${Object.values(COMMANDS)
  .map(({ usage, does }) => `  ${usage.padEnd(27)} ${does}`)
  .join('\n')}

A DEVICE is an index, 0:1 for a MIG instance, or a UUID.`;

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  try {
    const options = {
      state: { type: 'string' },
      'data-dir': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    } as const;
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
    const [name, ...words] = positionals;
    if (values.help || name === undefined) {
      console.log(HELP);
      return values.help ? EXIT.ok : EXIT.usage;
    }
    if (values.state !== undefined && values['data-dir'] !== undefined)
      throw new SimulationError('--state and --data-dir name the same thing; give one of them');
    const stateFile = values.state ?? process.env.BERTH_SIMULATED_STATE ?? stateIn(values['data-dir']);
    if (name === 'show') return await show(stateFile);
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command) throw new SimulationError(`there is no command '${name}'; see berth-sim --help`);
    const wanted = command.usage.split(' ').slice(1);
    const least = wanted.filter((word) => /^[A-Z]/.test(word)).length;
    const most = wanted.at(-1) === '…' ? Number.POSITIVE_INFINITY : wanted.length;
    if (words.length < least || words.length > most)
      throw new SimulationError(`write: berth-sim ${command.usage}`);
    for (const change of command.changes(words)) changeSimulation(stateFile, change);
    return EXIT.ok;
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    console.error(`berth-sim: ${message.split('\n', 1)[0]}`);
    return error instanceof SimulationError || code?.startsWith('ERR_PARSE_ARGS') ? EXIT.usage : EXIT.failure;
  }
}

function stateIn(directory = process.env.BERTH_DATA_DIR): string {
  const share = process.env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share');
  const byDefault = userInfo().uid === 0 ? '/var/lib/berth' : join(share, 'berth');
  return join(directory ?? byDefault, 'simulation.state');
}

async function show(stateFile: string): Promise<number> {
  process.env.BERTH_SIMULATED_STATE = stateFile;
  let driver: Driver;
  try {
    driver = await openDriver({ libraryDirectory: SIMULATED_LIBRARIES });
  } catch {
    throw new Error(
      `${stateFile} is no state of a simulated driver that works; start berthd with --simulate first`,
    );
  }
  const { devices } = await driver.enumerate();
  for (const facts of devices) {
    const sample = await driver.sample(facts.uuid).catch((error: Error) => error.message);
    console.log(lineOf(facts, sample));
  }
  await driver.close();
  // The driver doesn't tell of these; somebody who has just removed one looks for it.
  const told = new Set(devices.map(({ uuid }) => uuid));
  for (const uuid of native().simulatedUuids(stateFile) ?? []) {
    if (!told.has(uuid)) console.log(`-  ${uuid}  lost, hung or removed`);
  }
  return EXIT.ok;
}

function lineOf({ index, mig, uuid, name }: DeviceFacts, sample: DeviceSample | string): string {
  const place = `${index}${mig ? `:${mig.index}` : ''}`;
  if (typeof sample === 'string') return `${place}  ${uuid}  ${name}  ${sample}`;
  const gib = (bytes: number | null): string => (bytes === null ? '–' : (bytes / 2 ** 30).toFixed(1));
  const processes = (sample.processes ?? [])
    .map(({ pid, memoryBytes }) => `${pid}:${gib(memoryBytes)}GiB`)
    .join(' ');
  const figures = sample.lost
    ? 'lost'
    : `${gib(sample.memoryUsedBytes)} GiB used, ${sample.temperatureCelsius ?? '–'} °C`;
  return `${place}  ${uuid}  ${name}  ${figures}${processes ? `  ${processes}` : ''}`;
}
