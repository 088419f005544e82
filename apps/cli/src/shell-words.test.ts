import { expect, it } from 'vitest';
import { shellWords } from './shell-words.js';

it.each([
  ['-G 2  -t 8h', ['-G', '2', '-t', '8h']],
  [`-J "my job" --label 'a=b c'`, ['-J', 'my job', '--label', 'a=b c']],
  [String.raw`a\ b "c\"d" '\' e\\f`, ['a b', 'c"d', '\\', 'e\\f']],
  ['--time=8h # until tomorrow', ['--time=8h']],
  [`-J '' a#b`, ['-J', '', 'a#b']],
  ['  ', []],
])('%s is %j', (line, words) => {
  expect(shellWords(line)).toEqual(words);
});

it('says which quote is never closed', () => {
  expect(() => shellWords(`-J "my job`)).toThrow('a " is never closed');
});
