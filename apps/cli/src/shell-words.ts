/**
 * Splits a line into words as a shell does: blanks outside of quotes part them, quotes and backslashes go away. Nothing
 * is expanded.
 * @throws SyntaxError for a quote that is never closed
 */
export function shellWords(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let i = 0; i < line.length; i += 1) {
    const letter = line[i] as string;
    if (quote === "'") {
      if (letter === "'") quote = '';
      else word += letter;
    } else if (letter === '\\' && (quote === '' || /["\\$`]/.test(line[i + 1] ?? ''))) {
      i += 1;
      word = (word ?? '') + (line[i] ?? '');
    } else if (letter === quote) {
      quote = '';
    } else if (quote === '"') {
      word += letter;
    } else if (letter === "'" || letter === '"') {
      quote = letter;
      word ??= '';
    } else if (letter === '#' && word === null) {
      break;
    } else if (/\s/.test(letter)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? '') + letter;
    }
  }
  if (quote !== '') throw new SyntaxError(`a ${quote} is never closed`);
  if (word !== null) words.push(word);
  return words;
}
