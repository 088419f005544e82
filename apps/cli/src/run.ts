import { Command, CommanderError } from 'commander';
import { treeOf, type Verb } from './command-tree.js';
import { addAlias } from './commands/alias.js';
import { addBackup } from './commands/backup.js';
import { addCancel } from './commands/cancel.js';
import { addCompletion } from './commands/completion.js';
import { addDashboard } from './commands/dashboard.js';
import { addDemo } from './commands/demo.js';
import { addDevices } from './commands/devices.js';
import { addDoctor } from './commands/doctor.js';
import { addDrain, addResume } from './commands/drain.js';
import { addDrill } from './commands/drill.js';
import { addExplain } from './commands/explain.js';
import { addHold, addRelease, addRequeue } from './commands/hold.js';
import { addLogs } from './commands/logs.js';
import { addLs } from './commands/ls.js';
import { addSchedule } from './commands/schedule.js';
import { addShow } from './commands/show.js';
import { addShutdown } from './commands/shutdown.js';
import { addSlurm } from './commands/slurm.js';
import { addSubmit } from './commands/submit.js';
import { addToken } from './commands/token.js';
import { addTop } from './commands/top.js';
import { addUpdate } from './commands/update.js';
import { addUsage } from './commands/usage.js';
import { addUser } from './commands/user.js';
import { addWait } from './commands/wait.js';
import { errorLines } from './error-lines.js';
import { codeOfError, EXIT, EXIT_CODES_HELP } from './exit-codes.js';
import type { Host } from './host.js';
import { type Kit, type Outcome, withGlobalOptions } from './kit.js';
import { Terminal } from './terminal.js';

const VERSION = '0.1.0';

/** Runs `berth` with what was typed behind it. Gives the exit code; nothing is thrown. */
export async function run(argv: readonly string[], host: Host): Promise<number> {
  const terminal = new Terminal(host);
  const outcome: Outcome = { code: EXIT.ok };
  const program = buildProgram({ host, terminal, argv }, outcome);
  try {
    // Alone, or with nothing but flags of its own, berth shows the queue.
    const { operands, unknown } = program.parseOptions([...argv]);
    const isBare = operands.length + unknown.length === 0;
    await program.parseAsync(isBare ? [...argv, 'ls'] : [...argv], { from: 'user' });
    return outcome.code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    const verb = verbIn(program, argv);
    for (const line of errorLines(error, verb)) terminal.note(line);
    return error instanceof CommanderError ? EXIT.usage : codeOfError(error);
  }
}

function buildProgram(kit: Kit, outcome: Outcome): Command {
  const { stdout } = kit.host;
  const program = withGlobalOptions(new Command('berth').version(VERSION, '-V, --version'))
    .description('Queues jobs and runs them on the GPUs of this host.')
    .enablePositionalOptions()
    .exitOverride()
    .configureHelp({ helpWidth: (stdout.isTTY && stdout.columns) || 110 })
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      // What is wrong is said in one place for all errors, by errorLines.
      writeErr: () => undefined,
    })
    .addHelpText('after', `\n${EXIT_CODES_HELP}`);
  const verbs = [
    addSubmit,
    addLs,
    addShow,
    addLogs,
    addCancel,
    addHold,
    addRelease,
    addRequeue,
    addDrill,
    addUpdate,
    addExplain,
    addWait,
    addSchedule,
    addUsage,
    addUser,
    addToken,
    addDevices,
    addTop,
    addDrain,
    addResume,
    addDashboard,
    addDoctor,
    addBackup,
    addShutdown,
    addDemo,
    addAlias,
    addCompletion,
    addSlurm,
  ];
  for (const add of verbs) add(program, kit, outcome);
  return program;
}

/** Everything that can be typed, for the reference page. */
export function commandTree(): Verb {
  const silent = { write: () => true } as unknown as Host['stdout'];
  const host: Host = {
    environment: {},
    directory: '/',
    stdin: (async function* () {})(),
    stdout: silent,
    stderr: silent,
    onInterrupt: () => () => undefined,
  };
  const kit = { host, terminal: new Terminal(host), argv: [] };
  return treeOf(buildProgram(kit, { code: EXIT.ok }));
}

function verbIn({ commands }: Command, argv: readonly string[]): string | null {
  for (const [at, word] of argv.entries()) {
    const verb = commands.find((each) => each.name() === word || each.aliases().includes(word));
    // Whoever typed squeue has not heard of `berth slurm`.
    if (verb) return verb.name() === 'slurm' ? `slurm ${argv[at + 1] ?? ''}`.trimEnd() : verb.name();
  }
  return null;
}
