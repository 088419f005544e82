import { closeSync, openSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openLog } from './logging.js';

it('a disk without room for the log ends nobody', () => {
  const full = openSync('/dev/full', 'w');
  const log = openLog({ level: 'info' }, full);
  expect(() => {
    log.info('once');
    log.info('twice');
  }).not.toThrow();
  closeSync(full);
});
