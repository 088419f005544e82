import { expect, it } from 'vitest';
import { OPERATIONS } from './permissions.js';

it('what changes devices, users or the host is for admins', () => {
  const administrative = Object.keys(OPERATIONS).filter((name) => OPERATIONS[name] === 'administer');
  expect(administrative).toEqual([
    'listUsers',
    'createUser',
    'changeUser',
    'deleteUser',
    'drainDevice',
    'resumeDevice',
    'shutDown',
    'exportLedger',
    'importLedger',
  ]);
});
