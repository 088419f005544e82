import type { Flag, Verb } from './command-tree.js';
import { EXIT_CODES_HELP } from './exit-codes.js';

/** `docs/cli.md`: every verb with its flags, as they are declared. */
export function referencePage(root: Verb): string {
  const verbs = root.verbs.flatMap((verb) => [verb, ...verb.verbs]);
  const everywhere = new Set(root.flags.flatMap(({ names }) => names));
  return [
    '<!-- Made from the commands themselves: npm run cli-reference -->',
    '# Command line',
    `${root.description} A job is named by its number (\`42\`), its id (\`job_…\`), \`last\` for one's newest, \`@~1\` for the one before it; several verbs take ranges (\`10-12\`). \`berth\` alone is \`berth ls\`.`,
    verbs.map((verb) => `[${verb.path.join(' ')}](#${anchorOf(verb)})`).join(' · '),
    '## Flags of every verb',
    flagTable(root.flags),
    'On a pipe nothing is coloured, cut or interactive, and `berth submit` prints the bare id. `NO_COLOR` turns colours off on a terminal, too. What `--json` prints is what the API answers: its schemas are in [openapi.yaml](../openapi.yaml).',
    '## Exit codes',
    fenced(EXIT_CODES_HELP.replace(/^Exit codes:\n/, '')),
    ...verbs.flatMap((verb) => sectionOf(verb, everywhere)),
    '',
  ].join('\n\n');
}

function sectionOf(verb: Verb, everywhere: ReadonlySet<string>): string[] {
  const flags = verb.flags.filter(
    ({ names }) => !names.some((name) => everywhere.has(name) || name === '--help'),
  );
  const [, ...others] = verb.names;
  const also = others.length > 0 ? ` Also: ${others.map((name) => `\`${name}\``).join(', ')}.` : '';
  const groups = [...new Set(flags.map(({ group }) => group))];
  return [
    `## berth ${verb.path.join(' ')}`,
    `${sentence(verb.description)}${also}`,
    `\`${verb.usage}\``,
    ...verb.arguments
      .filter(({ description }) => description !== '')
      .map(({ name, description }) => `- \`${name}\`: ${cell(description)}`),
    ...groups.flatMap((group) => [
      ...(group && groups.length > 1 ? [`**${group.replace(/:$/, '')}**`] : []),
      flagTable(flags.filter((flag) => flag.group === group)),
    ]),
    ...(verb.more ? [fenced(verb.more)] : []),
  ];
}

function flagTable(flags: readonly Flag[]): string {
  const rows = flags.map(({ usage, description, value }) => {
    const choices = value !== null && typeof value === 'object' ? `: ${value.choices.join(', ')}` : '';
    return `| \`${cell(usage)}\` | ${cell(description)}${choices} |`;
  });
  return ['| flag | |', '| --- | --- |', ...rows].join('\n');
}

function fenced(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function anchorOf({ path }: Verb): string {
  return `berth-${path.join('-')}`;
}
