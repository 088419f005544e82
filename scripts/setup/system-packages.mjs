import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { onPath, run, SetupError } from './step.mjs';

/** `import torch` takes a second; where the package lies is known faster. */
const DEBIAN_TORCH = '/usr/lib/python3/dist-packages/torch';

const LIBRARIES = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib'];

/**
 * What Berth needs of the system.
 *
 * For Redis the package is redis-tools, not redis-server: it holds the same program (which runs as a server when it is
 * called so), but no service. Berth's Redis is private; installing it must not start one on port 6379.
 */
const NEEDS = [
  {
    what: 'a Redis server',
    debian: 'redis-tools',
    here: () => onPath('redis-server', 'valkey-server', 'redis-check-rdb') !== null,
  },
  { what: 'CMake', debian: 'cmake', here: () => onPath('cmake') !== null },
  { what: 'a C++ compiler', debian: 'g++', here: () => onPath('g++', 'c++', 'clang++') !== null },
  { what: 'make or ninja', debian: 'make', here: () => onPath('make', 'ninja') !== null },
  { what: 'PyTorch', debian: 'python3-torch', here: hasTorch, for: ['demo', 'test'] },
  {
    what: 'Chromium',
    debian: 'chromium',
    here: () => onPath('chromium', 'chromium-browser', 'google-chrome') !== null,
    for: ['test'],
  },
  { what: 'strace', debian: 'strace', here: () => onPath('strace') !== null, for: ['test'] },
  {
    what: 'libfaketime',
    debian: 'libfaketime',
    here: () => LIBRARIES.some((folder) => existsSync(`${folder}/faketime/libfaketime.so.1`)),
    for: ['test'],
  },
];

const ELSEWHERE = `
  Debian, Ubuntu:  sudo apt-get install --no-install-recommends PACKAGES
  Fedora:          sudo dnf install valkey cmake gcc-c++ make python3-torch chromium strace libfaketime
  Arch:            sudo pacman -S valkey cmake gcc make python-pytorch chromium strace libfaketime
  conda:           conda install -c conda-forge redis-server cmake cxx-compiler make pytorch
`;

/** @returns {import('./step.mjs').Step} */
export function systemPackages(purpose) {
  const missing = () => NEEDS.filter((need) => (need.for?.includes(purpose) ?? true) && !need.here());
  return {
    does: 'install from the system’s packages',
    needed: () => {
      const needs = missing();
      return needs.length === 0
        ? null
        : needs.map(({ what, debian }) => `${what} is missing (${debian})`).join(', ');
    },
    run: () => {
      const packages = missing().map(({ debian }) => debian);
      if (process.getuid?.() !== 0 || onPath('apt-get') === null) {
        throw new SetupError(
          `these need to be installed first, which only you may do here:\n${ELSEWHERE.replace('PACKAGES', packages.join(' '))}`,
        );
      }
      const env = { DEBIAN_FRONTEND: 'noninteractive' };
      if (!hasPackageLists()) run('apt-get', ['update', '-q'], { env, hint: 'Is the network there?' });
      const install = ['install', '-y', '-q', '--no-install-recommends', ...packages];
      try {
        run('apt-get', install, { env });
      } catch {
        // The lists may be older than the packages that they name.
        run('apt-get', ['update', '-q'], { env, hint: 'Is the network there?' });
        run('apt-get', install, { env, hint: `Install them by hand: apt-get install ${packages.join(' ')}` });
      }
      const left = missing();
      if (left.length > 0)
        throw new SetupError(
          `still missing after the installation: ${left.map(({ what }) => what).join(', ')}`,
        );
    },
  };
}

function hasPackageLists() {
  const lists = '/var/lib/apt/lists';
  return existsSync(lists) && readdirSync(lists).some((name) => name.includes('Packages'));
}

function hasTorch() {
  if (existsSync(DEBIAN_TORCH) && existsSync('/usr/bin/python3')) return true;
  const pythons = [process.env.BERTH_PYTHON, 'python3'].filter(Boolean);
  return pythons.some(
    (python) => spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0,
  );
}
