import { expect, it } from 'vitest';
import { inOnePiece } from './log-text.js';

const gaps = [
  { from: 100, to: 200 },
  { from: 300, to: 400 },
];

it.each([
  ['before the first gap', [0, 50], [0, 50]],
  ['into a gap', [50, 150], [50, 99]],
  ['from inside a gap', [150, 250], [200, 250]],
  ['over two', [150, 500], [200, 299]],
  ['inside a gap alone', [120, 150], null],
  ['behind the last', [450, 460], [450, 460]],
])('gives of a range what is there in one piece: %s', (_name, [first = 0, last = 0], expected) => {
  const given = inOnePiece({ first, last, size: 500 }, gaps);
  expect(given && [given.first, given.last]).toEqual(expected);
});
