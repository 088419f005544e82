import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';

/** A process of this host, as far as it can be seen from here. */
export interface HostProcess {
  pid: number;
  parent: number;
  /** proc(5), field 22: with the pid it tells a process from a later one of the same number. */
  startTicks: number;
  /** Its name, without arguments. */
  command: string;
}

/** What /proc says of a process; null where there is none of this number, or none that can be seen from here. */
export function readProcess(pid: number): HostProcess | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything, so what follows is counted from the last one.
    const end = stat.lastIndexOf(')');
    const fields = stat.slice(end + 2).split(' ');
    return {
      pid,
      parent: Number(fields[1]),
      startTicks: Number(fields[19]),
      command: stat.slice(stat.indexOf('(') + 1, end),
    };
  } catch {
    return null;
  }
}

/** A variable of a process' environment as it was started with; null where it has none, or it isn't ours to read. */
export function readVariable(pid: number, name: string): string | null {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return entries.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1) ?? null;
  } catch {
    return null;
  }
}

const userNames = new Map<number, string>();

/** The user of a process, by name; by number until the name is known. null where there is no such process. */
export function userOf(pid: number): string | null {
  let uid: number;
  try {
    uid = statSync(`/proc/${pid}`).uid;
  } catch {
    return null;
  }
  const known = userNames.get(uid);
  if (known !== undefined) return known;
  userNames.set(uid, `uid ${uid}`);
  // The name may come from a directory service, which may take its time.
  execFile('getent', ['passwd', String(uid)], (_error, stdout) => {
    const name = stdout?.split(':')[0];
    if (name) userNames.set(uid, name);
  });
  return userNames.get(uid) ?? null;
}
