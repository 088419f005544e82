/**
 * Holds the import arrows: who may import whom, between packages and inside the daemon. See ARCHITECTURE.md.
 *   node scripts/check-arrows.mjs [FOLDER]
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Of our own packages, these may be imported; `types` only as types. */
const PACKAGES = {
  'packages/contract': {},
  'packages/scheduler': { '@berth/contract': 'types' },
  'packages/simulator': { '@berth/contract': 'types', '@berth/scheduler': 'values' },
  'packages/cuda-core': {},
  'packages/task-shim': {},
  'packages/client': { '@berth/contract': 'values' },
  'apps/cli': { '@berth/client': 'values', '@berth/contract': 'values' },
  'apps/dashboard': { '@berth/client': 'values', '@berth/contract': 'values' },
  'apps/daemon': {
    '@berth/contract': 'values',
    '@berth/scheduler': 'values',
    '@berth/cuda-core': 'values',
    '@berth/task-shim': 'values',
  },
};

/** Packages that import nothing else either: no Node, no library. */
const PURE = ['packages/scheduler'];

/** Folders of the daemon, and which of its other folders each may import. */
const DAEMON = {
  api: ['ledger', 'devices', 'guard', 'doctor', 'insight', 'code', 'prometheus'],
  code: [],
  scheduling: ['ledger'],
  schedules: ['ledger'],
  upkeep: ['ledger'],
  notifications: ['ledger'],
  tracing: ['ledger'],
  workers: ['ledger'],
  worker: ['ledger', 'redis'],
  guard: ['ledger', 'devices'],
  doctor: [],
  insight: ['ledger'],
  prometheus: [],
  devices: [],
  ledger: ['redis'],
  redis: [],
};
/** Puts the folders together, as do the files beside them. */
const COMPOSITION = 'composition';
/** Small files of the daemon that everybody may import. */
const SHARED = [
  'checkpoint-files',
  'clock-watch',
  'config',
  'cron',
  'data-directory',
  'device-claim',
  'disk-room',
  'job-environment',
  'logging',
  'recurring-trouble',
  'removal',
  'worker-options',
];

const IMPORT =
  /^\s*(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm;

/** @returns {string[]} one line for each import that goes against an arrow */
export function violations(root) {
  const found = [];
  for (const [folder, allowed] of Object.entries(PACKAGES)) {
    for (const file of sourcesIn(join(root, folder, 'src'))) {
      const text = readFileSync(file, 'utf8');
      for (const match of text.matchAll(IMPORT)) {
        const imported = match[2] ?? match[3];
        const problem = judge({ root, folder, allowed, file, imported, typeOnly: Boolean(match[1]) });
        const line = text.slice(0, match.index + match[0].indexOf(imported)).split('\n').length;
        if (problem) found.push(`${relative(root, file)}:${line}  imports ${imported}: ${problem}`);
      }
    }
  }
  return found;
}

function judge({ root, folder, allowed, file, imported, typeOnly }) {
  if (imported.startsWith('@berth/')) {
    // A part of a package's exports is as good as the package.
    const how = allowed[imported.split('/').slice(0, 2).join('/')];
    if (!how) return `${folder} may import of ours ${list(Object.keys(allowed))}`;
    return how === 'types' && !typeOnly ? `${folder} may import types of it only (import type)` : null;
  }
  if (!imported.startsWith('.')) {
    return PURE.includes(folder) ? `${folder} is pure: it imports nothing from outside` : null;
  }
  const target = relative(join(root, folder, 'src'), resolve(file, '..', imported));
  if (target.startsWith('..')) {
    // The addons' products lie beside the sources.
    return target.startsWith(`..${sep}build`) ? null : `it lies outside ${folder}/src; import the package`;
  }
  return folder === 'apps/daemon' ? judgeInDaemon(join(root, folder, 'src'), file, target) : null;
}

function judgeInDaemon(source, file, target) {
  const [from, ...below] = relative(source, file).split(sep);
  if (below.length === 0 || from === COMPOSITION) return null;
  const [to, ...rest] = target.split(sep);
  if (rest.length === 0)
    return SHARED.includes(to.replace(/\.js$/, ''))
      ? null
      : `${from} may import of the files beside it ${list(SHARED)}`;
  if (to === from || DAEMON[from]?.includes(to)) return null;
  return `${from} may import ${list(DAEMON[from] ?? [])}`;
}

const list = (names) => (names.length > 0 ? names.join(', ') : 'nothing');

function sourcesIn(folder) {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  } catch {
    return [];
  }
  return entries
    .filter(
      (entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !/\.test(-support)?\.ts$/.test(entry.name),
    )
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const found = violations(resolve(process.argv[2] ?? '.'));
  for (const line of found) console.error(line);
  if (found.length > 0) process.exit(1);
}
