import type { RegisteredUser, Role } from '@berth/contract';
import { type Command, Option } from 'commander';
import { CliError, EXIT } from '../exit-codes.js';
import { localTime, UNKNOWN } from '../figures.js';
import { type Action, addVerb, type Kit, type Outcome } from '../kit.js';
import { renderTable } from '../table.js';

interface Traits {
  role?: Role;
  /** false: `--no-unix-account`. */
  unixAccount?: string | boolean;
  disable?: boolean;
  enable?: boolean;
}

const NAMES = 'names of users';

export function addUser(program: Command, kit: Kit, outcome: Outcome): void {
  const group = program
    .command('user')
    .description('who may use Berth, and what they may do; for admins')
    .enablePositionalOptions()
    .addHelpText(
      'after',
      '\nExamples:\n  berth user add ada --unix-account ada\n  berth user set bob --role viewer',
    );
  addVerb(withTraits(group.command('add').argument('<name>').description('add a user')), kit, outcome, add);
  addVerb(
    group.command('ls', { isDefault: true }).alias('list').description('list all users'),
    kit,
    outcome,
    list,
  );
  const changing = withTraits(group.command('set').argument('<name...>', NAMES))
    .option('--no-unix-account', "let their jobs run as the daemon's own account")
    .option('--disable', 'let nobody in by this name')
    .option('--enable', 'let them in again')
    .description('change users');
  addVerb(changing, kit, outcome, set);
  const removing = group
    .command('rm')
    .argument('<name...>', NAMES)
    .description('remove users and their tokens; their jobs stay');
  addVerb(removing, kit, outcome, remove);
}

function withTraits(command: Command): Command {
  return command
    .addOption(
      new Option(
        '-r, --role <role>',
        'viewer sees, user submits and changes their own, admin does everything',
      ).choices(['admin', 'user', 'viewer']),
    )
    .option('--unix-account <name>', 'the account of the host that their jobs run as');
}

const add: Action<Traits> = async ({ client, terminal }, { json, ...traits }, [name = '']) => {
  const user = await client.users.create({ name, ...given(traits) });
  if (json) terminal.json(user);
  else terminal.print(`${describe(user)}; berth token create -u ${user.name} makes a token`);
  return EXIT.ok;
};

const set: Action<Traits> = async ({ client, terminal }, { json, disable, enable, ...traits }, words) => {
  const change = { ...given(traits), ...(disable ? { disabled: true } : enable ? { disabled: false } : {}) };
  if (Object.keys(change).length === 0) {
    throw new CliError(EXIT.usage, 'nothing to change is named; see berth user set --help');
  }
  for (const word of words) {
    const user = await client.users.change(word, change);
    if (json) terminal.json(user);
    else terminal.print(describe(user));
  }
  return EXIT.ok;
};

const remove: Action<object> = async ({ client, terminal }, { json }, words) => {
  for (const word of words) {
    const user = await client.users.delete(word);
    if (json) terminal.json(user);
    else terminal.print(`user ${user.name} is removed, with all tokens; jobs stay`);
  }
  return EXIT.ok;
};

const list: Action<object> = async ({ client, terminal }, { json }) => {
  const users = await client.users.list();
  if (json) terminal.json({ items: users });
  else if (users.length === 0) terminal.note('there are no users yet; berth user add makes one');
  else
    for (const line of renderTable(
      users,
      [
        { title: 'NAME', cell: ({ name }) => name },
        { title: 'ROLE', cell: ({ role, disabled }) => (disabled ? `${role}, disabled` : role) },
        { title: 'UNIX ACCOUNT', cell: ({ unixAccount }) => unixAccount ?? UNKNOWN },
        { title: 'SINCE', cell: ({ createdAt }) => localTime(createdAt) },
      ],
      terminal.columns,
    ))
      terminal.print(line);
  return EXIT.ok;
};

function given({ role, unixAccount }: Traits): { role?: Role; unixAccount?: string | null } {
  return {
    ...(role === undefined ? {} : { role }),
    ...(typeof unixAccount === 'string'
      ? { unixAccount }
      : unixAccount === false
        ? { unixAccount: null }
        : {}),
  };
}

function describe({ name, role, disabled, unixAccount }: RegisteredUser): string {
  const account = unixAccount === null ? '' : `, whose jobs run as ${unixAccount}`;
  return `user ${name} is ${role === 'admin' ? 'an' : 'a'} ${role}${account}${disabled ? ', and disabled' : ''}`;
}
