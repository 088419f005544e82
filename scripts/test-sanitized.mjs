/**
 * Runs the tests of the native code with AddressSanitizer and UndefinedBehaviorSanitizer, on a build of its own.
 *
 *   node scripts/test-sanitized.mjs [what vitest understands]
 *
 * Node is not built with them, so their runtime is loaded before it. Node also frees little when it ends: leaks are looked
 * for only in programs that are ours from beginning to end, which are the shim and native-check.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { sanitizedBuild } from './setup/native-build.mjs';
import { ROOT, SetupError } from './setup/step.mjs';

const TESTED = ['packages/cuda-core', 'packages/task-shim'];
/** What the leak detector says where it may not look into its own process, as in some containers. */
const NO_LEAK_DETECTOR = 'LeakSanitizer has encountered a fatal error';

const say = (text) => console.log(`sanitizers: ${text}`);

const runtime = libraryOf('libasan.so');
if (!runtime) {
  say('SKIPPED, since the compiler has no libasan.so (Fedora: dnf install libasan libubsan)');
  process.exit(0);
}
const build = sanitizedBuild();
const reports = join(ROOT, build.folder, 'reports');
if (!makeBuild()) process.exit(1);
const passed = runTests();
process.exit(!printReports() && passed ? 0 : 1);

/** Where the compiler keeps a library; null where it has none: then it says back the name it was asked for. */
function libraryOf(name) {
  const compiler = process.env.CXX ?? 'c++';
  const path = execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
  return isAbsolute(path) && existsSync(path) ? path : null;
}

function makeBuild() {
  try {
    const why = build.needed();
    if (why !== null) {
      say(`${build.does}: ${why}`);
      build.run();
    }
    return true;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`sanitizers: ${error.message}`);
    return false;
  }
}

function runTests() {
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports);
  // Our programs have these built in, for where they get nothing of this environment.
  const options = `log_path=${join(reports, 'report')}:print_stacktrace=1`;
  const env = {
    ...process.env,
    BERTH_NATIVE_BUILD: build.folder,
    LD_PRELOAD: [runtime, process.env.LD_PRELOAD].filter(Boolean).join(' '),
    ASAN_OPTIONS: `${options}:detect_leaks=0:detect_stack_use_after_return=1`,
    UBSAN_OPTIONS: options,
  };
  const argv = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', '--maxWorkers', '2', ...TESTED];
  const { status } = spawnSync(process.execPath, [...argv, ...process.argv.slice(2)], {
    cwd: ROOT,
    env,
    stdio: 'inherit',
  });
  return status === 0;
}

/** A program whose end nobody looks at fails no test: what it reports does. @returns whether there was anything */
function printReports() {
  const found = readdirSync(reports)
    .map((name) => readFileSync(join(reports, name), 'utf8'))
    .filter((text) => text.trim() !== '');
  const real = found.filter((text) => !text.includes(NO_LEAK_DETECTOR));
  if (real.length < found.length) say('leaks could not be looked for: this system refuses ptrace');
  for (const text of real) console.error(text);
  if (real.length > 0) say(`${real.length} reports, see above`);
  return real.length > 0;
}
