import type { BerthClient } from '@berth/client';
import type { Command } from 'commander';
import { connect, type GlobalOptions } from './connection.js';
import type { Host } from './host.js';
import type { Terminal } from './terminal.js';

/** What every verb is handed. */
export interface Kit {
  readonly host: Host;
  readonly terminal: Terminal;
  /** What was typed after `berth`. */
  readonly argv: readonly string[];
}

/** Carries out a verb; gives the exit code. */
export type Action<Options> = (
  kit: Kit & { client: BerthClient },
  options: Options & GlobalOptions,
  words: readonly string[],
) => Promise<number>;

/** Where a verb leaves its exit code for `run`. */
export interface Outcome {
  code: number;
}

/** A program with the flags that hold for every verb, before it or after it. */
export function withGlobalOptions(command: Command): Command {
  return command
    .optionsGroup('Which daemon, and what for:')
    .option('--url <url>', 'where it listens (BERTH_URL)')
    .option('--token <token>', 'its token (BERTH_TOKEN, which other users of the host cannot see)')
    .option('--data-dir <dir>', 'its data directory, which holds address and token (BERTH_DATA_DIR)')
    .option('--json', "print the API's own JSON");
}

/** What a verb's help shows below its flags. */
export function withExamples(command: Command, ...lines: string[]): Command {
  return command.addHelpText('after', ['\nExamples:', ...lines].join('\n  '));
}

/** Adds a verb to the program; its action gets a client of the daemon that the flags name. */
export function addVerb<Options>(
  command: Command,
  kit: Kit,
  outcome: Outcome,
  action: Action<Options>,
): void {
  withGlobalOptions(command).action(async () => {
    const options = command.optsWithGlobals<Options & GlobalOptions>();
    let client: BerthClient | undefined;
    const withClient = {
      ...kit,
      // Only when it is asked for: what is wrong with the words is said even where no daemon runs.
      get client() {
        client ??= connect(options, kit.host);
        return client;
      },
    };
    outcome.code = await action(withClient, options, command.args);
  });
}
