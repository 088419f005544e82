import type { Flag, Verb, WordKind } from '../command-tree.js';

/** A script for bash, to be read by it: `source <(berth completion bash)`. */
export function bashCompletion(root: Verb): string {
  const verbs = root.verbs.flatMap((verb) => [verb, ...verb.verbs]);
  return `# Completion of berth for bash. Made by: berth completion bash
_berth_asked() { COMPREPLY=($(compgen -W "$(berth completion --list "$1" 2>/dev/null)" -- "$cur")); }
_berth() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" verb='' at=0 i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$verb \${COMP_WORDS[i]}" in
${verbs.map((verb) => `      ${patternOf(verb, root)}) verb='${verb.path.join(' ')}'; at=$i ;;`).join('\n')}
    esac
    [[ $at -gt 0 && \${COMP_WORDS[i]} == -- ]] && break
  done
  case "$verb $prev" in
${[root, ...verbs].flatMap(valueCases).join('\n')}
  esac
  if [[ $cur == -* ]]; then
    case "$verb" in
${[root, ...verbs].map((verb) => `      '${verb.path.join(' ')}') COMPREPLY=($(compgen -W '${flagNames(verb)}' -- "$cur")) ;;`).join('\n')}
    esac
    return 0
  fi
  case "$verb" in
${[root, ...verbs].flatMap(wordCases).join('\n')}
  esac
}
complete -o bashdefault -F _berth berth
`;
}

/** What leads to a verb: the verb before it, and one of its names. */
function patternOf({ path, names }: Verb, root: Verb): string {
  const before = path.slice(0, -1);
  const parent = before.length > 0 ? root.verbs.find(({ path: [name] }) => name === before[0]) : null;
  return names.map((name) => `'${parent ? before.join(' ') : ''} ${name}'`).join('|');
}

function flagNames({ flags }: Verb): string {
  return flags.flatMap(({ names }) => names).join(' ');
}

function valueCases({ path, flags }: Verb): string[] {
  const verb = path.join(' ');
  return flags.flatMap((flag: Flag) => {
    if (flag.value === null || flag.isOptional) return [];
    const patterns = flag.names.map((name) => `'${verb} ${name}'`).join('|');
    return [`    ${patterns}) ${answer(flag.value)}; return 0 ;;`];
  });
}

function wordCases({ path, verbs, takes }: Verb): string[] {
  const verb = path.join(' ');
  if (verbs.length > 0) {
    const names = verbs.flatMap((each) => each.names).join(' ');
    return [`    '${verb}') COMPREPLY=($(compgen -W '${names}' -- "$cur")) ;;`];
  }
  return takes === null ? [] : [`    '${verb}') ${answer(takes)} ;;`];
}

function answer(kind: WordKind): string {
  if (typeof kind === 'object') return `COMPREPLY=($(compgen -W '${kind.choices.join(' ')}' -- "$cur"))`;
  switch (kind) {
    case 'job':
    case 'device':
      return `_berth_asked ${kind}s`;
    case 'file':
      return 'COMPREPLY=($(compgen -f -- "$cur"))';
    case 'dir':
      return 'COMPREPLY=($(compgen -d -- "$cur"))';
    case 'command':
      return 'COMPREPLY=($(compgen -c -f -- "$cur"))';
    case 'other':
      return ':';
  }
}
