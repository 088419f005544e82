// The contract has such words too, but loading its schemas for them takes longer than asking the daemon.

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const;

/** What we don't know. */
export const UNKNOWN = '–';

/** Seconds for people, in the two largest units: `"1d 4h"`, `"2m 5s"`, `"0.4s"`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${Number(Math.max(0, seconds).toFixed(1))}s`;
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 || parts.length > 0) parts.push(count > 0 ? `${count}${unit}` : '');
  }
  return parts.slice(0, 2).filter(Boolean).join(' ');
}

/** Seconds between two times (RFC 3339). */
export function secondsBetween(from: string, to: string | number): number {
  return (new Date(to).getTime() - new Date(from).getTime()) / 1000;
}

/** `"1.2/80 GiB"`, as gpustat shows a device's memory. */
export function memory(usedBytes: number | null, totalBytes: number | null): string {
  if (usedBytes === null && totalBytes === null) return UNKNOWN;
  return `${gibibytes(usedBytes)}/${gibibytes(totalBytes)} GiB`;
}

export function gibibytes(bytes: number | null): string {
  if (bytes === null) return UNKNOWN;
  const gib = bytes / 2 ** 30;
  return String(Number(gib.toFixed(gib < 10 ? 1 : 0)));
}

/** Bytes in the unit that suits them. */
export function size(bytes: number | null): string {
  if (bytes === null) return UNKNOWN;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return `${Number((bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1))} ${units[power]}`;
}

/** A time (RFC 3339) as a clock on the wall here shows it. */
export function localTime(time: string | null): string {
  if (time === null) return UNKNOWN;
  const date = new Date(time);
  const two = (figure: number): string => String(figure).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** A command as it can be typed into a shell. */
export function commandLine(argv: readonly string[]): string {
  return argv
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
