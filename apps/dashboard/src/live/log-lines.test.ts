import { describe, expect, it } from 'vitest';
import { LONGEST_LINE, LogLines, MOST_CHARACTERS, MOST_LINES } from './log-lines.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a log', () => {
  it('is lines, the unfinished one too', () => {
    const log = new LogLines();
    log.add(bytes('one\ntw'));
    expect(log.shown).toEqual(['one', 'tw']);
    log.add(bytes('o\n'));
    expect(log.shown).toEqual(['one', 'two']);
  });

  it('shows of a progress bar what a terminal would', () => {
    const log = new LogLines();
    log.add(bytes('  1%|\r 50%|\r100%|done\nwindows line\r\n'));
    expect(log.shown).toEqual(['100%|done', 'windows line']);
    log.add(bytes(' 10%|a longer one\r'));
    expect(log.shown.at(-1)).toBe(' 10%|a longer one');
    log.add(bytes(' 20%\r'));
    expect(log.shown.at(-1)).toBe(' 20%');
    log.add(bytes('\n'));
    expect(log.shown.at(-1)).toBe(' 20%');
  });

  it('bears half a letter at the end of a piece', () => {
    const log = new LogLines();
    const [first, second] = [bytes('é\n').slice(0, 1), bytes('é\n').slice(1)];
    log.add(first);
    log.add(second);
    expect(log.shown).toEqual(['é']);
  });

  it('keeps the newest lines alone when there are too many', () => {
    const log = new LogLines();
    log.add(bytes('x\n'.repeat(MOST_LINES)));
    log.add(bytes('last\n'));
    expect([log.shown.length, log.dropped, log.shown.at(-1)]).toEqual([MOST_LINES, 1, 'last']);
  });

  it('cuts a line that nobody would read to its end, with a word', () => {
    const log = new LogLines();
    for (let i = 0; i < 10; i += 1) log.add(bytes('x'.repeat(1_000_000)));
    log.add(bytes('\nnext\r\n'));
    expect(log.shown[0]).toBe(`${'x'.repeat(LONGEST_LINE)} … and 9990000 more characters, not shown`);
    expect(log.shown[1]).toBe('next');
    log.add(bytes(`${'y'.repeat(20_000)}\rshort`));
    expect(log.shown[2]).toBe('short');
  });

  it('keeps no more text than a browser bears, however long its lines are', () => {
    const log = new LogLines();
    const line = bytes(`${'x'.repeat(LONGEST_LINE - 1)}\n`);
    for (let i = 0; i < 3000; i += 1) log.add(line);
    const kept = Math.floor(MOST_CHARACTERS / (LONGEST_LINE - 1));
    expect([log.shown.length, log.dropped]).toEqual([kept, 3000 - kept]);
  });
});
