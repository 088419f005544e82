import { copyFile, stat, truncate } from 'node:fs/promises';

const MOST_BYTES = 16 * 2 ** 20;

/** Keeps logs that processes append to from growing for ever: a large one is copied to `.1` and begins anew. */
export async function turnOver(files: readonly string[], mostBytes = MOST_BYTES): Promise<void> {
  for (const file of files) {
    const size = await stat(file).then(
      (entry) => entry.size,
      () => 0,
    );
    if (size <= mostBytes) continue;
    await copyFile(file, `${file}.1`);
    // Its writers have it open to append, so they go on at its new end.
    await truncate(file);
  }
}
