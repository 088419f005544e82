import { type Colour, harmless, type Terminal } from './terminal.js';

const LABEL_WIDTH = 13;

/** Something that is known, behind its label: several lines begin below each other; null or empty, nothing is shown. */
export type Fact = [label: string, text: string | readonly string[] | null, colour?: Colour];

export function factLines(facts: readonly Fact[], terminal: Terminal): string[] {
  return facts.flatMap(([label, text, colour]) => {
    const texts = (typeof text === 'string' ? [text] : (text ?? [])).filter((each) => each !== '');
    return texts.map((each, i) => {
      const heading = (i === 0 && label !== '' ? `${label}:` : '').padEnd(LABEL_WIDTH);
      return `${heading}${colour ? terminal.paint(colour, harmless(each)) : harmless(each)}`;
    });
  });
}
