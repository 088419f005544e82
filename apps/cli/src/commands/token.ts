import type { Token } from '@berth/contract';
import type { Command } from 'commander';
import { localTime, UNKNOWN } from '../figures.js';
import { type Action, addVerb, type Kit, type Outcome } from '../kit.js';
import { renderTable } from '../table.js';
import { harmless } from '../terminal.js';

interface Whose {
  user?: string;
}

export function addToken(program: Command, kit: Kit, outcome: Outcome): void {
  const group = program
    .command('token')
    .description('tokens, by which programs get in: berth token create -n laptop --expires 90d')
    .enablePositionalOptions()
    .addHelpText(
      'after',
      '\nExamples:\n  berth token create -n laptop --expires 90d\n  berth token ls\n  berth token revoke tok_1m7yn…',
    );
  const making = group
    .command('create')
    .option('-n, --name <text>', 'what it is for')
    .option('--expires <duration>', 'after this long it opens nothing any more: 90d (default: never)')
    .option('-u, --user <name>', "whose it is (default: yours; others' are for admins)")
    .description('make a token; it is shown this once');
  addVerb(making, kit, outcome, create);
  const listing = group
    .command('ls', { isDefault: true })
    .alias('list')
    .option('-u, --user <name>', "whose (default: yours; others' are for admins)")
    .description('list tokens');
  addVerb(listing, kit, outcome, list);
  const revoking = group
    .command('revoke')
    .alias('rm')
    .argument('<token...>', 'its id (tok_…)')
    .description('from now on they open nothing');
  addVerb(revoking, kit, outcome, revoke);
}

const create: Action<Whose & { name?: string; expires?: string }> = async (
  { client, terminal },
  { json, name, expires, user },
) => {
  const made = await client.tokens.create(user ?? (await client.me()).name, {
    ...(name === undefined ? {} : { name }),
    ...(expires === undefined ? {} : { expiresIn: expires }),
  });
  if (json) terminal.json(made);
  else {
    // Alone on stdout, so that a script can keep it.
    terminal.print(made.token);
    terminal.note(`${describe(made)}; it is shown this once. Use it as --token or BERTH_TOKEN`);
  }
  return 0;
};

const list: Action<Whose> = async ({ client, terminal }, { json, user }) => {
  const whose = user ?? (await client.me()).name;
  const tokens = await client.tokens.list(whose);
  if (json) terminal.json({ items: tokens });
  else if (tokens.length === 0) terminal.note(`${whose} has no tokens; berth token create makes one`);
  else
    for (const line of renderTable(
      tokens,
      [
        { title: 'ID', cell: ({ id }) => id },
        { title: 'NAME', cell: ({ name }) => name, mayShrink: true },
        { title: 'USER', cell: ({ user }) => user },
        { title: 'MADE', cell: ({ createdAt }) => localTime(createdAt) },
        { title: 'LAST USED', cell: ({ lastUsedAt }) => (lastUsedAt ? localTime(lastUsedAt) : UNKNOWN) },
        { title: 'EXPIRES', cell: ({ expiresAt }) => (expiresAt ? localTime(expiresAt) : 'never') },
      ],
      terminal.columns,
    ))
      terminal.print(line);
  return 0;
};

const revoke: Action<object> = async ({ client, terminal }, { json }, words) => {
  for (const word of words) {
    const token = await client.tokens.revoke(word);
    if (json) terminal.json(token);
    else terminal.print(harmless(`token ${token.name} (${token.id}) of ${token.user} is revoked`));
  }
  return 0;
};

function describe({ name, id, user, expiresAt }: Token): string {
  return harmless(
    `token ${name} (${id}) of ${user} ${expiresAt ? `expires at ${localTime(expiresAt)}` : 'never expires'}`,
  );
}
