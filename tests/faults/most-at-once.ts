import type { Note } from './checker.js';

/**
 * How many tasks ran at a time, by their own notes; one that came to no end of its own counts for nothing.
 *
 * Times are cut to hundredths of a second: who began in the same one, or before, and ends in a later one was there at its end.
 */
export function mostAtOnce(notes: readonly (readonly Note[])[]): number {
  const stays = notes.flatMap((own) =>
    own
      .filter(({ what }) => what === 'start')
      .flatMap(({ at, attempt, rank }) => {
        const end = own.find((note) => note.what === 'end' && note.attempt === attempt && note.rank === rank);
        return end ? [{ from: at, to: end.at }] : [];
      }),
  );
  return Math.max(
    0,
    ...stays.map(({ from }) => stays.filter((stay) => stay.from <= from && from < stay.to).length),
  );
}
