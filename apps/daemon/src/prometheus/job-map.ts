import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Device } from '@berth/contract';
import type { Logger } from 'pino';
import { RecurringTrouble } from '../recurring-trouble.js';

/** As DCGM's exporter names them: `0` for a GPU, `0.2` for an instance by its GPU instance. */
const OURS = /^\d+(\.\d+)?$/;

/**
 * Keeps the folder that DCGM's exporter reads with `--hpc-job-mapping-dir`: a file for each device that jobs have, with their ids,
 * one a line. A free device has none: its exporter drops a device whose file is empty.
 */
export class JobMap {
  private readonly directory: string;
  private readonly devices: () => Promise<readonly Device[]>;
  private readonly trouble: RecurringTrouble;
  private writing: Promise<void> = Promise.resolve();
  private next: Promise<void> | null = null;

  constructor(options: { directory: string; devices: () => Promise<readonly Device[]>; log: Logger }) {
    this.directory = options.directory;
    this.devices = options.devices;
    this.trouble = new RecurringTrouble(options.log, {
      begins: `${options.directory} can't be written`,
      ends: `${options.directory} is written again`,
    });
  }

  /** Writes it anew. What is asked for while one is under way is done once, after it. */
  update(): Promise<void> {
    this.next ??= this.writing.then(async () => {
      this.next = null;
      await this.trouble.through(this.write());
    });
    this.writing = this.next;
    return this.next;
  }

  private async write(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o755 });
    const wanted = new Map<string, string>();
    for (const { index, mig, holders } of await this.devices()) {
      const name = mig ? `${index}.${mig.gpuInstance}` : String(index);
      if (holders.length > 0) wanted.set(name, `${holders.map(({ job }) => job).join('\n')}\n`);
    }
    for (const name of await readdir(this.directory))
      if (OURS.test(name) && !wanted.has(name)) await rm(join(this.directory, name), { force: true });
    for (const [name, jobs] of wanted) {
      const file = join(this.directory, name);
      await writeFile(`${file}.new`, jobs, { mode: 0o644 });
      await rename(`${file}.new`, file);
    }
  }
}
