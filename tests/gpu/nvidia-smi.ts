import { execFileSync } from 'node:child_process';

/** What nvidia-smi is asked of each GPU; one that is too old for a field says so, and is asked without it. */
const FIELDS = [
  'uuid',
  'name',
  'pci.bus_id',
  'memory.total',
  'memory.used',
  'driver_version',
  'compute_cap',
  'power.limit',
  'temperature.gpu',
  'temperature.memory',
  'ecc.mode.current',
  'mig.mode.current',
  'persistence_mode',
  'compute_mode',
  'clocks.max.sm',
] as const;
export type SmiField = (typeof FIELDS)[number];

/** A GPU as nvidia-smi shows it; null: it has no such figure (`[N/A]`). A field that it doesn't know is left out. */
export type SmiDevice = Partial<Record<SmiField, string | null>>;

/** Whether nvidia-smi is there: in containers it may be missing, beside a driver that works. */
export function hasSmi(): boolean {
  try {
    run('-L');
    return true;
  } catch {
    return false;
  }
}

export function smiDevices(): SmiDevice[] {
  let fields: readonly SmiField[] = FIELDS;
  for (;;) {
    try {
      return table(`--query-gpu=${fields.join(',')}`).map((row) =>
        Object.fromEntries(fields.map((field, column) => [field, figure(row[column])])),
      );
    } catch (error) {
      const { stdout = '', message } = error as Error & { stdout?: string };
      const [, unknown] = /Field "([^"]+)" is not a valid field/.exec(`${stdout}${message}`) ?? [];
      if (!unknown || !fields.includes(unknown as SmiField)) throw error;
      fields = fields.filter((field) => field !== unknown);
    }
  }
}

/** The UUIDs of the MIG instances, in nvidia-smi's order. */
export function smiMigInstances(): string[] {
  return [...run('-L').matchAll(/^\s+MIG .*\(UUID: (MIG-[^)]+)\)/gm)].map(([, uuid]) => uuid as string);
}

/** Who computes where, with how much memory: in MiB, null where it isn't told. */
export function smiProcesses(): { pid: number; uuid: string; mebibytes: number | null }[] {
  return table('--query-compute-apps=pid,gpu_uuid,used_memory').map(([pid, uuid, used]) => ({
    pid: Number(pid),
    uuid: uuid as string,
    mebibytes: figure(used) === null ? null : Number(used),
  }));
}

function table(query: string): string[][] {
  return run(query, '--format=csv,noheader,nounits')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map((cell) => cell.trim()));
}

/** `[N/A]`, `[Not Supported]`, `[Unknown Error]` and the like are no figures. */
function figure(cell: string | undefined): string | null {
  return !cell || cell === 'N/A' || cell.startsWith('[') ? null : cell;
}

function run(...argv: string[]): string {
  return execFileSync('nvidia-smi', argv, {
    encoding: 'utf8',
    timeout: 30_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
