import type { Flag, Verb, WordKind } from '../command-tree.js';

/** A script for zsh, to be read by it, or as a file `_berth` in a folder of `fpath`. */
export function zshCompletion(root: Verb): string {
  const groups = [root, ...root.verbs].filter(({ verbs }) => verbs.length > 0);
  const plain = root.verbs.flatMap((verb) => (verb.verbs.length > 0 ? verb.verbs : [verb]));
  return `#compdef berth
# Completion of berth for zsh. Made by: berth completion zsh
_berth_asked() {
  local -a found
  found=(\${(f)"$(berth completion --list "$1" --described 2>/dev/null)"})
  found=("\${(@)\${(@)found//:/\\:}/$'\t'/:}")
  (( $#found )) && _describe "$1" found
}
${plain.map(functionOf).join('')}${groups.reverse().map(groupOf).join('')}
if [[ $funcstack[1] == _berth ]]; then _berth "$@"; else compdef _berth berth; fi
`;
}

function functionOf({ path, flags, takes }: Verb): string {
  const specs = flags.flatMap(flagSpecs);
  if (takes !== null) specs.push(takes === 'command' ? `'*::command:_normal'` : `'*:${wordSpec(takes)}'`);
  return `${nameOf(path)}() {\n  _arguments -s -S \\\n    ${specs.join(' \\\n    ')}\n}\n`;
}

function groupOf({ path, flags, verbs }: Verb): string {
  const listed = verbs.flatMap(({ names, description }) =>
    names.map((name) => `'${name}:${quoted(description)}'`),
  );
  const cases = verbs.map((verb) => `    ${verb.names.join('|')}) ${nameOf(verb.path)} ;;`);
  return `${nameOf(path)}() {
  local curcontext="$curcontext" state line
  local -a verbs
  verbs=(
    ${listed.join('\n    ')}
  )
  _arguments -C ${flags.flatMap(flagSpecs).join(' ')} '1: :->verb' '*:: :->rest'
  case $state in
    verb) _describe 'verb' verbs ;;
    rest) case $words[1] in
${cases.join('\n')}
    esac ;;
  esac
}
`;
}

function flagSpecs({ names, description, value, isOptional }: Flag): string[] {
  const what = value === null ? '' : `${isOptional ? '::' : ':'}${wordSpec(value)}`;
  return names.map((name) => {
    const joined = value !== null && name.startsWith('--') ? `${name}=` : name;
    return `'*${joined}[${quoted(description).replace(/[[\]]/g, '\\$&')}]${what}'`;
  });
}

function wordSpec(kind: WordKind): string {
  if (typeof kind === 'object') return `value:(${kind.choices.join(' ')})`;
  switch (kind) {
    case 'job':
    case 'device':
      return `${kind}:_berth_asked ${kind}s`;
    case 'file':
      return 'file:_files';
    case 'dir':
      return 'directory:_files -/';
    default:
      return 'value: ';
  }
}

function nameOf(path: readonly string[]): string {
  return ['_berth', ...path].join('_');
}

/** Inside single quotes, where a colon would end a description. */
function quoted(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", `'\\''`).replaceAll(':', '\\:');
}
