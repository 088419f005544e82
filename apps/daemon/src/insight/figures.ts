/** A number as programs print one. */
export const NUMBER = String.raw`[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf(?:inity)?)`;
/** What follows a number that is whole: neither a unit, nor the rest of a time, a path or a decimal comma. */
export const NUMBER_END = String.raw`(?![\w:/%.-]|,\d)`;
/** "loss: 0.5", "val_acc=81.2". */
export const PAIR_FORM = String.raw`([A-Za-z][\w./@ -]{0,40}?)\s*[:=]\s*(${NUMBER})`;
export const PAIR = new RegExp(PAIR_FORM + NUMBER_END, 'gi');

const LONGEST_NAME = 200;
/** Keras goes back over its bar by backspaces before it draws it anew. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
export const CONTROL = /[\u0000-\u0008\u000e-\u001f\u007f]/g;

/** What a figure is called, of which a program tells by name; null: that is too long, or nothing. */
export function seriesName(told: string): string | null {
  return told.length > LONGEST_NAME ? null : nameOf(told) || null;
}

/** `Train Loss` and `train_loss` are one. */
export const nameOf = (name: string): string =>
  name
    .replace(CONTROL, '')
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_')
    .replace(/^[_./]+|[_./]+$/g, '');

export function numberOf(text: string): number {
  const word = text.toLowerCase().replace(/^\+/, '');
  if (word.endsWith('nan')) return Number.NaN;
  if (word.includes('inf')) return word.startsWith('-') ? -Infinity : Infinity;
  return Number(word);
}
