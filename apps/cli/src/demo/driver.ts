import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const KNOWN_PLACES = [
  '/dev/nvidiactl',
  // WSL keeps the driver's libraries apart, and has no nvidiactl.
  '/usr/lib/wsl/lib/libnvidia-ml.so.1',
];

/** Whether NVIDIA's driver is here, so that the demo can use real devices. */
export function hasNvidiaDriver(): boolean {
  if (KNOWN_PLACES.some((path) => existsSync(path))) return true;
  const { stdout } = spawnSync('ldconfig', ['-p'], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env.PATH}:/sbin:/usr/sbin` },
  });
  return stdout?.includes('libnvidia-ml.so.1') ?? false;
}
