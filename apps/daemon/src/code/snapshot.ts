import { chmod, chown, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Code, SnapshotMode } from '@berth/contract';
import type { Account } from '@berth/task-shim';
import { removeEntry } from '../removal.js';
import { copyAs } from './as-account.js';
import { CHANGES, type Copied, type CopyRequest, copyCode, TREE } from './copy.js';
import type { Provenance } from './provenance.js';

/** Whose a copy is, and where. */
export interface Place {
  owner: string;
  folder: string;
}

/** Copies code aside; of each account one tree at a time: what two at once would gain, jobs would lose. */
export class Snapshots {
  private readonly provenance: Provenance;
  private readonly limitBytes: number;
  private readonly last = new Map<string, Promise<unknown>>();

  constructor(provenance: Provenance, limitBytes: number) {
    this.provenance = provenance;
    this.limitBytes = limitBytes;
  }

  /**
   * Copies the tree that a directory is in.
   * @param place where to; a copy that is there already is taken as it is
   * @param account whose rights it is read and written with; null: ours
   * @throws SnapshotRefused, GitError
   */
  take(directory: string, mode: SnapshotMode, place: Place, account: Account | null = null): Promise<Code> {
    const who = account?.name ?? '';
    const before = this.last.get(who) ?? Promise.resolve();
    const taken = before.then(() => this.takeNow(directory, mode, place, account));
    const settled = taken
      .catch(() => undefined)
      .then(() => {
        if (this.last.get(who) === settled) this.last.delete(who);
      });
    this.last.set(who, settled);
    return taken;
  }

  private async takeNow(
    directory: string,
    mode: SnapshotMode,
    { owner, folder }: Place,
    account: Account | null,
  ): Promise<Code> {
    const there = await readFile(join(folder, 'code.json'), 'utf8').catch(() => null);
    if (there !== null) return JSON.parse(there) as Code;
    const unfinished = `${folder}.new`;
    // In a folder of its own, for the one around it stays ours: who can't change that can't lead us anywhere.
    const part = account ? 'own' : '';
    const target = join(unfinished, part);
    const request = { directory, mode, limitBytes: this.limitBytes, target };
    try {
      await mkdir(target, { recursive: true, mode: 0o700 });
      if (account) {
        await chmod(unfinished, 0o711);
        await chown(target, account.uid, account.gid);
      }
      const { inside, files, bytes, hasChanges, ...known } = await this.copy(request, account);
      const snapshot = {
        owner,
        directory: join(folder, part, TREE, inside),
        files,
        bytes,
        changes: hasChanges ? join(folder, part, CHANGES) : null,
      };
      const code = { ...known, snapshot };
      await writeFile(join(unfinished, 'code.json'), JSON.stringify(code));
      await rename(unfinished, folder);
      return code;
    } catch (error) {
      // What can't be removed now is at the next start.
      await removeEntry(unfinished).catch(() => undefined);
      throw error;
    }
  }

  private copy(request: CopyRequest, account: Account | null): Promise<Copied> {
    return account ? copyAs(account, request) : copyCode(request, this.provenance);
  }
}
