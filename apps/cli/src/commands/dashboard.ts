import type { BerthClient } from '@berth/client';
import type { Command } from 'commander';
import { findAddress, signInAddress } from '../connection.js';
import { EXIT } from '../exit-codes.js';
import type { Kit, Outcome } from '../kit.js';
import { type Action, addVerb, withExamples } from '../kit.js';

/** How long a token lives that nobody has asked for by itself. */
const TOKEN_LIFE = '1d';
const TOKEN_NAME = 'dashboard';

export function addDashboard(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('dashboard')
    .description(
      'print the address of the web page, with a token that signs in: yours, or a new one that is good for a day',
    );
  withExamples(command, 'berth dashboard', 'berth dashboard --token berth_…');
  addVerb(command, kit, outcome, show);
}

const show: Action<object> = async (kit, options) => {
  const { url, token } = findAddress(options, kit.host);
  kit.terminal.print(signInAddress(url, token ?? (await newToken(kit.client))));
  kit.terminal.note('whoever has this address can run jobs as you');
  return EXIT.ok;
};

/** Browsers can't come by the socket, by which the daemon knows who we are. Those of earlier days go. */
async function newToken(client: BerthClient): Promise<string> {
  const { name } = await client.me();
  for (const token of await client.tokens.list(name)) {
    const isOver = token.expiresAt !== null && Date.parse(token.expiresAt) < Date.now();
    if (token.name === TOKEN_NAME && isOver) await client.tokens.revoke(token.id);
  }
  return (await client.tokens.create(name, { name: TOKEN_NAME, expiresIn: TOKEN_LIFE })).token;
}
