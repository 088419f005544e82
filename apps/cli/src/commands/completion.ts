import type { BerthClient } from '@berth/client';
import { Argument, type Command, Option } from 'commander';
import { treeOf, type Verb } from '../command-tree.js';
import { bashCompletion } from '../completion/bash.js';
import { fishCompletion } from '../completion/fish.js';
import { zshCompletion } from '../completion/zsh.js';
import { placeOf } from '../device-words.js';
import { CliError, EXIT } from '../exit-codes.js';
import { type Action, addVerb, type Kit, type Outcome } from '../kit.js';
import { harmless } from '../terminal.js';

/** Whoever presses Tab doesn't wait: a daemon that is slower than this has nothing to say. */
const PATIENCE_SECONDS = 0.7;
const MOST_JOBS = 50;

const SHELLS: Record<string, (root: Verb) => string> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

interface CompletionOptions {
  list?: 'jobs' | 'devices';
  described?: boolean;
}

export function addCompletion(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('completion')
    .addArgument(new Argument('[shell]').choices(Object.keys(SHELLS)))
    .description('print what makes a shell complete verbs, flags, jobs and devices')
    .addOption(new Option('--list <what>', 'what a shell asks for').choices(['jobs', 'devices']).hideHelp())
    .addOption(new Option('--described', 'with a tab and what it is').hideHelp())
    .addHelpText(
      'after',
      `
Examples:
  source <(berth completion bash)             # in ~/.bashrc
  source <(berth completion zsh)              # in ~/.zshrc, behind compinit
  berth completion fish > ~/.config/fish/completions/berth.fish`,
    );
  const print: Action<CompletionOptions> = async (each, { list, described }, [shell]) => {
    if (list) {
      for (const [word, what] of await wordsOf(each, list))
        each.terminal.print(described ? `${word}\t${what}` : word);
      return EXIT.ok;
    }
    const make = SHELLS[shell ?? ''];
    if (!make)
      throw new CliError(
        EXIT.usage,
        `for which shell? write berth completion ${Object.keys(SHELLS).join(', ')}`,
      );
    each.host.stdout.write(make(treeOf(program)));
    return EXIT.ok;
  };
  addVerb(command, kit, outcome, print);
}

/** Words and what they are. Nothing where there is no daemon: a shell has no use for what went wrong. */
async function wordsOf(
  kit: Kit & { client: BerthClient },
  what: 'jobs' | 'devices',
): Promise<[string, string][]> {
  try {
    const options = {
      timeoutSeconds: PATIENCE_SECONDS,
      signal: AbortSignal.timeout(PATIENCE_SECONDS * 1000),
    };
    if (what === 'devices') {
      const { items } = await kit.client.devices.list(options);
      return items.map((device) => [placeOf(device), harmless(device.name)]);
    }
    const { items } = await kit.client.jobs.page({ limit: MOST_JOBS, ...options });
    const jobs = items.map(({ number, name, state }): [string, string] => [
      String(number),
      harmless(`${name}, ${state}`),
    ]);
    return [['last', 'your newest job'], ...jobs];
  } catch {
    return [];
  }
}
