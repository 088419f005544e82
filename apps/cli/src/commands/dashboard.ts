import type { Command } from 'commander';
import { findAddress, signInAddress } from '../connection.js';
import { CliError, EXIT } from '../exit-codes.js';
import type { Kit, Outcome } from '../kit.js';
import { type Action, addVerb, withExamples } from '../kit.js';

export function addDashboard(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('dashboard')
    .description('print the address of the web page, with the token that it asks for');
  withExamples(command, 'berth dashboard');
  addVerb(command, kit, outcome, show);
}

const show: Action<object> = async ({ host, terminal }, options) => {
  const { url, token } = findAddress(options, host);
  if (token === undefined)
    throw new CliError(EXIT.refused, `there is no token for ${url}; give it with --token`);
  terminal.print(signInAddress(url, token));
  terminal.note('whoever has this address can run jobs as you');
  return EXIT.ok;
};
