import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TameOutput } from './tame-output.js';

const tame = (...pieces: string[]): string => {
  const output = new TameOutput();
  const kept = pieces.map((piece) => Buffer.from(output.take(Buffer.from(piece))));
  return Buffer.concat(kept).toString();
};

describe('the output of a job on a terminal', () => {
  it.each([
    ['plain, ünïcode 漢字 🚀, tab\t, bar\rbar\b\n'],
    ['\x1b[31mred\x1b[0m \x1b[1;38;5;200mpink\x1b[m'],
    ['10%|█ | 1/10\x1b[K\r\x1b[1A\x1b[2K20%'],
    ['non-breaking\u00a0space'],
  ])('%j stays as it is', (text) => {
    expect(tame(text)).toBe(text);
  });

  it.each([
    ['clipboard', 'a\x1b]52;c;cm0gLXJmIC8=\x07b', 'ab'],
    ['title', 'a\x1b]0;root@host\x1b\\b', 'ab'],
    ['device query', 'a\x1b[6nb\x1b[cc\x1b[>cd', 'abcd'],
    ['title report', 'a\x1b[21tb', 'ab'],
    ['device control', 'a\x1bP$q"p\x1b\\b', 'ab'],
    ['other screen', 'a\x1b[?1049hb', 'ab'],
    ['charset', 'a\x1b(0b', 'ab'],
    ['reset', 'a\x1bcb', 'ab'],
    ['eight-bit controls', 'a\u009b31mb\u009d', 'a31mb'],
    ['bell and null', 'a\x07b\0c', 'abc'],
    ['a string that never ends', 'a\x1b]0;x\nb', 'a\nb'],
    ['a sequence that breaks off', 'a\x1b[3\nb', 'a\nb'],
  ])('loses what steers the terminal: %s', (_what, text, left) => {
    expect(tame(text)).toBe(left);
  });

  it('is the same however it is cut, and never holds anything but colours and moves', () => {
    const piece = fc.constantFrom(
      '\x1b',
      '[',
      ']',
      '0;',
      '31',
      'm',
      'n',
      '\x07',
      '\\',
      '\n',
      'a',
      'ü',
      '\u009b',
      '?',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const whole = tame(pieces.join(''));
        expect(tame(...pieces)).toBe(whole);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for.
        expect(whole.replace(/\x1b\[[0-9;]*[mKABCDG]/g, '')).not.toMatch(/[\x1b\x07\0\u0080-\u009f]/);
      }),
    );
  });
});
