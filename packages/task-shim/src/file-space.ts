import { native } from './native.js';

/**
 * Gives back the disk space of a file's first bytes. The file's size and what follows stay, so whoever appends to it, or reads on
 * from behind them, notices nothing (fallocate(2), FALLOC_FL_PUNCH_HOLE).
 * @param fd open for writing
 * @returns whether the file system can do that
 * @throws an error with the errno's name as its `code`
 */
export function freeBeginning(fd: number, bytes: number): boolean {
  return native.freeBeginning(fd, bytes);
}
