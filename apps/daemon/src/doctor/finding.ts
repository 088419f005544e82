import type { Finding } from '@berth/contract';

type Area = Finding['area'];

/** Makes the findings of one area. */
export function findingsOf(area: Area) {
  const make =
    (level: Finding['level']) =>
    (id: string, sentence: string, advice: string | null = null): Finding => ({
      id,
      area,
      level,
      sentence,
      advice,
    });
  return { ok: make('ok'), note: make('note'), warning: make('warning'), problem: make('problem') };
}
