import { InvalidArgumentError } from 'commander';

/** The value of an option that may be given several times. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

export const whole = numberThat(/^-?\d{1,9}$/, 'a whole number');
export const natural = numberThat(/^\d{1,15}$/, 'a whole number, 0 or more');
export const positive = numberThat(/^[1-9]\d{0,14}$/, 'a whole number, 1 or more');

function numberThat(form: RegExp, what: string): (text: string) => number {
  return (text) => {
    if (!form.test(text)) throw new InvalidArgumentError(`It must be ${what}.`);
    return Number(text);
  };
}
