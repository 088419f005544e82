import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Endings } from './endings.js';

test('what began last ends first, each after the one before has ended, and once', async () => {
  const endings = new Endings();
  const ended: string[] = [];
  endings.add(() => ended.push('Redis'));
  endings.add(async () => {
    await sleep(1);
    ended.push('workers');
  });
  endings.add(() => ended.push('API'));
  await endings.run();
  await endings.run();
  expect(ended).toEqual(['API', 'workers', 'Redis']);
});
