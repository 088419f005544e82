/**
 * Makes a clone ready: what is missing is installed, what is out of date is built, all else is left as it is.
 *
 *   node scripts/setup.mjs [--quiet] [--check] [--for=start|demo|test]
 *
 * --quiet says only what it does, --check what it would do. Node and npm are all that it needs to begin with.
 */
import { dashboardBuild } from './setup/dashboard-build.mjs';
import { nativeBuild } from './setup/native-build.mjs';
import { npmPackages } from './setup/npm-packages.mjs';
import { SetupError } from './setup/step.mjs';
import { systemPackages } from './setup/system-packages.mjs';
import { typescriptBuild } from './setup/typescript-build.mjs';

const OLDEST_NODE = [20, 17];

const options = new Set(process.argv.slice(2));
const purpose = process.argv.find((argument) => argument.startsWith('--for='))?.slice(6) ?? 'start';
const say = (text) => console.log(`setup: ${text}`);

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new SetupError(
    `Node ${process.versions.node} is too old: Berth needs ${OLDEST_NODE.join('.')} or later (nodejs.org)`,
  );
}

try {
  checkNode();
  let done = 0;
  for (const step of [
    systemPackages(purpose),
    npmPackages(),
    nativeBuild(),
    typescriptBuild(),
    dashboardBuild(),
  ]) {
    const why = step.needed();
    if (why === null) continue;
    done += 1;
    if (options.has('--check')) {
      say(`would ${step.does}: ${why}`);
      continue;
    }
    say(`${step.does}: ${why}`);
    step.run();
  }
  if (done === 0 && !options.has('--quiet')) say('everything is ready');
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`setup: ${error.message}`);
  process.exit(1);
}
