import { describe, expect, it } from 'vitest';
import { LogLines, MOST_LINES } from './log-lines.js';

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
});
