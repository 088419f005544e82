const UNIT_SECONDS: Record<string, number> = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  week: 604_800,
};

/**
 * A time limit as sbatch has it: `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours`,
 * `days-hours:minutes`, `days-hours:minutes:seconds`. In seconds; null: it is none.
 */
export function slurmSeconds(text: string): number | null {
  const match = /^(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?$/.exec(text);
  if (!match) return null;
  const [, days, ...rest] = match;
  const [a = 0, b = 0, c = 0] = rest.map((each) => Number(each ?? 0));
  if (days !== undefined) return Number(days) * 86_400 + a * 3600 + b * 60 + c;
  if (rest[2] !== undefined) return a * 3600 + b * 60 + c;
  return a * 60 + b;
}

/** `--begin`: `now`, `now+1hour`, `now+60`, or a time without zone, which is one of here. null: none that we know. */
export function slurmBegin(text: string, now: Date): string | null {
  const later = /^now(?:\+(\d+)(second|minute|hour|day|week)?s?)?$/.exec(text);
  if (later) return `${Number(later[1] ?? 0) * (UNIT_SECONDS[later[2] ?? 'second'] as number)}s`;
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text);
  if (clock) {
    const [hours, minutes, seconds] = clock.slice(1).map((each) => Number(each ?? 0));
    const at = new Date(now);
    at.setHours(hours ?? 0, minutes ?? 0, seconds ?? 0, 0);
    if (at <= now) at.setDate(at.getDate() + 1);
    return at.toISOString();
  }
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?$/.test(text)) return null;
  const at = new Date(text.includes('T') ? text : `${text}T00:00`);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}
