const BYTE_UNITS: Record<string, number> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

const SECONDS_PER_UNIT: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** A problem with a written quantity; the message says which form would have been right. */
export class UnitError extends Error {
  override readonly name = 'UnitError';
}

/**
 * Reads a size such as `"40GiB"`, `"500 MB"` or `"1024"` into bytes.
 * @throws UnitError when the text is no size, or is no whole number of bytes that JavaScript can hold.
 */
export function parseBytes(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(text.slice(0, 64));
  const factor = BYTE_UNITS[(match?.[2] || 'B').toUpperCase()];
  if (!match || factor === undefined) {
    throw new UnitError(
      `'${text.slice(0, 40)}' is no size; write for example "40GiB", "500MB" or 1073741824`,
    );
  }
  const bytes = Math.round(Number(match[1]) * factor);
  if (!Number.isSafeInteger(bytes))
    throw new UnitError(`'${text.slice(0, 40)}' is larger than Berth can count`);
  return bytes;
}

/**
 * Reads a duration such as `"2h"`, `"1h30m"`, `"90s"` or Slurm's `"D-HH:MM:SS"`, `"HH:MM:SS"` into seconds.
 * @throws UnitError when the text is no duration.
 */
export function parseDuration(text: string): number {
  const trimmed = text.slice(0, 64).trim();
  const clock = /^(?:(\d+)-)?(\d+):([0-5]\d):([0-5]\d)$/.exec(trimmed);
  if (clock) {
    const [days, hours, minutes, seconds] = clock.slice(1).map((part) => Number(part ?? 0)) as [
      number,
      number,
      number,
      number,
    ];
    return days * 86_400 + hours * 3600 + minutes * 60 + seconds;
  }
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  if (/^(\d+(\.\d+)?[smhd])+$/.test(trimmed)) {
    let seconds = 0;
    for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)([smhd])/g)) {
      seconds += Number(amount) * (SECONDS_PER_UNIT[unit as string] as number);
    }
    return seconds;
  }
  throw new UnitError(
    `'${text.slice(0, 40)}' is no duration; write for example "2h", "1h30m", "90s" or 5400`,
  );
}

/** Bytes for people: binary units with at most one decimal, as `nvidia-smi` counts (`"39.5 GiB"`). */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number(value.toFixed(unit === 0 ? 0 : 1))} ${units[unit]}`;
}

/** Seconds for people, the two largest units only (`"1d 4h"`, `"2m 5s"`, `"0.4s"`). */
export function formatDuration(seconds: number): string {
  if (seconds < 10) return `${Number(seconds.toFixed(1))}s`;
  const parts: string[] = [];
  let rest = Math.round(seconds);
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.slice(0, 2).join(' ') || '0s';
}
