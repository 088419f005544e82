import type { Flag, Verb, WordKind } from '../command-tree.js';

/** A script for fish, to be read by it, or as `~/.config/fish/completions/berth.fish`. */
export function fishCompletion(root: Verb): string {
  const lines = [
    '# Completion of berth for fish. Made by: berth completion fish',
    'complete -c berth -f',
    ...root.verbs.flatMap((verb) => named(verb, '__fish_use_subcommand')),
    ...root.flags.flatMap((flag) => flagLine(flag, '__fish_use_subcommand')),
  ];
  for (const verb of root.verbs) {
    const inVerb = `__fish_seen_subcommand_from ${verb.names.join(' ')}`;
    const below = verb.verbs.flatMap(({ names }) => names).join(' ');
    const before = below ? `${inVerb}; and not __fish_seen_subcommand_from ${below}` : inVerb;
    for (const each of verb.verbs) {
      lines.push(...named(each, before));
      lines.push(...inside(each, `${inVerb}; and __fish_seen_subcommand_from ${each.names.join(' ')}`));
    }
    lines.push(...inside(verb, before));
  }
  return `${lines.join('\n')}\n`;
}

function named({ names, description }: Verb, when: string): string[] {
  return names.map((name) => `complete -c berth -n '${when}' -a ${name} -d ${quoted(description)}`);
}

function inside({ flags, takes }: Verb, when: string): string[] {
  const words = takes === null ? [] : [`complete -c berth -n '${when}'${answer(takes)}`];
  return [...words, ...flags.flatMap((flag) => flagLine(flag, when))];
}

function flagLine({ names, description, value, isOptional }: Flag, when: string): string[] {
  const spelled = names.map((name) =>
    name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
  );
  const takes = value === null || isOptional ? '' : ` -r${answer(value)}`;
  return [`complete -c berth -n '${when}' ${spelled.join(' ')}${takes} -d ${quoted(description)}`];
}

function answer(kind: WordKind): string {
  if (typeof kind === 'object') return ` -a '${kind.choices.join(' ')}'`;
  switch (kind) {
    case 'job':
    case 'device':
      return ` -a '(berth completion --list ${kind}s --described 2>/dev/null | string replace : \\t)'`;
    case 'file':
      return ' -F';
    case 'dir':
      return " -a '(__fish_complete_directories)'";
    case 'command':
      return " -a '(__fish_complete_command)' -F";
    case 'other':
      return '';
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
