import type { EventEmitter } from 'node:events';
import type { Command, Option } from 'commander';

/** What a word on the command line may be. */
export type WordKind =
  | 'job'
  | 'device'
  | 'file'
  | 'dir'
  | 'command'
  | { choices: readonly string[] }
  | 'other';

export interface Flag {
  /** `-G`, `--gpus`. */
  names: string[];
  /** As help shows it: `-G, --gpus <n>`. */
  usage: string;
  description: string;
  group: string;
  /** What has to follow; null: nothing. */
  value: WordKind | null;
  /** Whether it may also stand alone. */
  isOptional: boolean;
}

/** A verb of berth, as it was declared: what completion and the reference page are made of. */
export interface Verb {
  /** `["schedule", "add"]`. */
  path: string[];
  /** Its last word, and what else it may be called. */
  names: string[];
  usage: string;
  description: string;
  arguments: { name: string; description: string }[];
  /** What its words are. */
  takes: WordKind | null;
  flags: Flag[];
  verbs: Verb[];
  /** What help says below: examples. */
  more: string;
}

/** Everything that people may type, without what is hidden. */
export function treeOf(program: Command): Verb {
  return verbOf(program, []);
}

function verbOf(command: Command, path: string[]): Verb {
  const help = command.createHelp();
  const [first] = command.registeredArguments;
  return {
    path,
    names: [command.name(), ...command.aliases()],
    usage: help.commandUsage(command),
    description: command.description(),
    arguments: command.registeredArguments.map((argument) => ({
      name: help.argumentTerm(argument),
      description: argument.description,
    })),
    takes: first ? (first.argChoices ? { choices: first.argChoices } : kindOf(first.name())) : null,
    flags: help.visibleOptions(command).map(flagOf),
    verbs: help
      .visibleCommands(command)
      .filter((each) => each.name() !== 'help')
      .map((each) => verbOf(each, [...path, each.name()])),
    more: afterHelp(command),
  };
}

function flagOf(option: Option): Flag {
  const takes = option.required || option.optional;
  const kind = option.argChoices ? { choices: option.argChoices } : kindOf(placeholder(option.flags));
  return {
    names: [option.short, option.long].filter((name) => name != null),
    usage: option.flags,
    description: option.description,
    group: option.helpGroupHeading ?? '',
    value: takes ? kind : null,
    // Commander takes any bracket for that, also the one in <job[:how]>.
    isOptional: option.optional && !option.required,
  };
}

/** What is in `<…>`, up to what may follow it there. */
function placeholder(flags: string): string {
  return /<(\w+)/.exec(flags)?.[1] ?? '';
}

function kindOf(name: string): WordKind {
  if (name === 'job' || name === 'device' || name === 'file' || name === 'dir' || name === 'command')
    return name;
  return name === 'mask' ? 'device' : 'other';
}

/** The text that a verb added behind its help. */
function afterHelp(command: Command): string {
  let text = '';
  const write = (piece: string): void => {
    text += piece;
  };
  // What addHelpText leaves there; commander is an EventEmitter without saying so in its types.
  (command as unknown as EventEmitter).emit('afterHelp', { error: false, command, write });
  return text.trim();
}
