import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * A Redis server's executable. Debian's redis-tools has it without the service that redis-server brings, under the name of a
 * tool that is the same program: it goes by the name it is called with (argv[0]).
 */
const NAMES = ['valkey-server', 'redis-server', 'redis-check-rdb'];

/** The server on the PATH or in the conda environment, or null. It must be started with `redis-server` as argv[0]. */
export function findRedisServer(environment: NodeJS.ProcessEnv = process.env): string | null {
  const folders = (environment.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  if (environment.CONDA_PREFIX) folders.push(join(environment.CONDA_PREFIX, 'bin'));
  for (const name of NAMES) {
    for (const folder of folders) {
      const file = join(folder, name);
      if (isExecutable(file)) return file;
    }
  }
  return null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
