import { expect, it } from 'vitest';
import { withoutCredentials } from './repository.js';

it.each([
  ['https://ada:geheim@host/lab/code.git', 'https://host/lab/code.git'],
  ['https://ghp_token@host/lab/code.git', 'https://host/lab/code.git'],
  ['https://host/code.git?access_token=geheim#x', 'https://host/code.git'],
  ['https://ada:ge@heim@host/code.git', 'https://host/code.git'],
  ['ssh://git@host:22/code.git', 'ssh://git@host:22/code.git'],
  ['ssh://git:geheim@host/code.git', 'ssh://git@host/code.git'],
  ['git@host:lab/code.git', 'git@host:lab/code.git'],
  ['ada:geheim@host:lab/code.git', 'ada@host:lab/code.git'],
  ['/srv/git/code.git', '/srv/git/code.git'],
])('of the address %s only %s is kept', (url, kept) => {
  expect(withoutCredentials(url)).toBe(kept);
});
