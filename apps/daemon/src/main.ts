import { Command } from 'commander';
import { pino } from 'pino';
import { StartError } from './composition/start-error.js';
import type { Config } from './config.js';
import { ConfigError, readSettings, type Settings } from './config-reading.js';
import { describeSettings } from './config-report.js';
import { startDaemon } from './daemon.js';
import { examineAlone } from './examine-alone.js';
import { WrongLedger } from './ledger/identity.js';
import { LedgerTooNew } from './ledger/schema.js';
import { openLog } from './logging.js';
import { RedisUnavailable } from './redis/private-redis.js';
import { verifyAlone } from './verify-alone.js';

/** Nothing that is left to be done then is needed: the next daemon finds all of it. */
const LONGEST_STOP_MS = 15_000;

const program = new Command('berthd')
  .description('The daemon of Berth: queues jobs and runs them on the GPUs of this host.')
  .option('--config <file>', 'settings as YAML (BERTH_CONFIG)')
  .option('--data-dir <dir>', 'where jobs, logs, the token and the private Redis live (BERTH_DATA_DIR)')
  .option(
    '--listen <host:port>',
    'where the API listens; beyond loopback with tls or insecureListen (BERTH_LISTEN; default 127.0.0.1:7700)',
  )
  .option('--visibility <whose>', 'all: users see the jobs of others; own: only theirs (default: all)')
  .option('--redis-url <url>', 'a Redis to use instead of the private one (BERTH_REDIS_URL)')
  .option('--simulate <spec>', 'simulated devices, such as 2xH100-80GB (BERTH_SIMULATE)')
  .option('--node <name>', "this host's name in Berth (BERTH_NODE)")
  .option('--log-level <level>', 'debug, info, warn or error (BERTH_LOG_LEVEL)')
  .option('--check-config', 'print the settings as they hold, with where they came from, and start nothing')
  .option(
    '--verify [repair]',
    'compare the ledger with its indexes and print what is off; "repair" puts it right; start nothing',
  )
  .allowExcessArguments(false)
  .action(runDaemon);

program
  .command('doctor')
  .description(
    'look at this host as a daemon would find it, and print the findings as JSON; berth doctor shows them',
  )
  .option('--python <path>', 'whose PyTorch to look at (default: the first on the PATH)')
  .option('--json', 'as it does anyway')
  .action(runDoctor);

/** The command line of berthd: exit 0 after a stop, 1 where it can't run, 2 for a bad setting. */
async function main(): Promise<void> {
  await program.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2)).parseAsync();
}

type Options = Partial<Record<keyof Config, string>> & { checkConfig?: boolean; verify?: true | string };

function settings(): Settings {
  const { checkConfig: _, verify: __, ...flags } = program.opts<Options>();
  return readSettings(flags, process.env);
}

async function runDoctor({ python }: { python?: string }): Promise<void> {
  const log = pino({ level: 'fatal' });
  console.log(JSON.stringify(await examineAlone(settings().config, python ?? null, log)));
  process.exit(0);
}

async function runVerify(config: Config, word: true | string): Promise<void> {
  if (word !== true && word !== 'repair')
    throw new ConfigError(`--verify ${word}: only repair may follow it`);
  const log = pino({ level: 'fatal' });
  const { found, left } = await verifyAlone(config, word === 'repair', (line) => console.log(line), log);
  const put = found > left ? `, ${found - left} put right` : '';
  const hint = left > 0 && word === true ? '; --verify repair puts right what can be' : '';
  console.log(found === 0 ? 'the ledger fits together' : `${found} found${put}, ${left} left${hint}`);
  process.exit(left > 0 ? 1 : 0);
}

async function runDaemon(): Promise<void> {
  const { config, origins } = settings();
  const { verify } = program.opts<Options>();
  if (verify !== undefined) return runVerify(config, verify);
  if (program.opts<Options>().checkConfig) {
    console.log(describeSettings({ config, origins }));
    process.exit(0);
  }
  const log = openLog({ level: config.logLevel, base: null });
  const daemon = await startDaemon(config, log);
  log.info({ url: daemon.url, dataDir: config.dataDir }, 'berthd is ready');

  let stopping = false;
  const stop = (why: string): void => {
    if (stopping) return;
    stopping = true;
    log.info({ why }, 'stopping');
    setTimeout(() => {
      log.error('could not stop in order, for Redis does not do its part; nothing is lost by that');
      process.exit(1);
    }, LONGEST_STOP_MS).unref();
    daemon.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'could not stop in order');
        process.exit(1);
      },
    );
  };
  void daemon.shutdownDue.then(() => stop('a shutdown was asked for'));
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

main().catch((error: unknown) => {
  const expected =
    error instanceof ConfigError ||
    error instanceof StartError ||
    error instanceof RedisUnavailable ||
    error instanceof WrongLedger ||
    error instanceof LedgerTooNew;
  console.error(expected ? `berthd: ${error.message}` : error);
  process.exit(error instanceof ConfigError ? 2 : 1);
});
