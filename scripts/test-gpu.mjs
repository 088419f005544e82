/**
 * Holds Berth against the GPUs of this host: figures beside nvidia-smi's, masks beside what CUDA makes of them, jobs
 * through the whole daemon. What it found goes to docs/hardware-report.md.
 *
 *   npm run test:gpu
 *   npm run test:gpu -- --simulate 2xH100-80GB    tries the tests themselves; the report is printed
 *
 * Exit 0: all is as it should be; 1: something isn't; 2: there is no driver or no device here.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createSimulation, DriverError, openDriver } from '../packages/cuda-core/dist/index.js';
import { ROOT } from './setup/step.mjs';

const REPORT = 'docs/hardware-report.md';

const argv = process.argv.slice(2);
const simulated = argv[0] === '--simulate' ? argv.splice(0, 2)[1] : null;
const scratch = mkdtempSync(join(tmpdir(), 'berth-gpu-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const environment = simulated === null ? await real() : simulation(simulated);
const facts = join(scratch, 'facts.md');
writeFileSync(facts, '');
const began = Date.now();
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'gpu', ...argv];
const { status } = spawnSync(process.execPath, vitest, {
  cwd: ROOT,
  env: { ...process.env, ...environment, BERTH_GPU_FACTS: facts },
  stdio: 'inherit',
});

const text = report(readFileSync(facts, 'utf8'), status === 0);
if (simulated === null) {
  writeFileSync(join(ROOT, REPORT), text);
  console.log(`the report is ${REPORT}`);
} else {
  console.log(text);
}
process.exitCode = status === 0 ? 0 : 1;

/** Looks whether there is anything to test. */
async function real() {
  try {
    const driver = await openDriver();
    const { devices } = await driver.enumerate();
    await driver.close();
    if (devices.length > 0) return {};
    console.error('no NVIDIA driver here: there is one, but it shows no device');
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    console.error(`no NVIDIA driver here: ${error.message.replace(/^no NVIDIA driver is installed: /, '')}`);
  }
  process.exit(2);
}

/** The simulated driver where the linker finds it, as a real one would be found, and an nvidia-smi over it. */
function simulation(spec) {
  const { libraryDirectory, environment } = createSimulation(spec, join(scratch, 'state'));
  const smi = join(ROOT, 'tests/gpu/simulated-nvidia-smi.mjs');
  const line = `#!/bin/sh\nexec '${process.execPath}' '${smi}' "$@"\n`;
  writeFileSync(join(scratch, 'nvidia-smi'), line, { mode: 0o755 });
  return {
    ...environment,
    LD_LIBRARY_PATH: [libraryDirectory, process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter),
    PATH: [scratch, process.env.PATH].join(delimiter),
  };
}

function report(sections, passed) {
  const commit = spawnSync('git', ['describe', '--always', '--dirty'], { cwd: ROOT, encoding: 'utf8' });
  const { model } = cpus()[0] ?? { model: 'unknown processor' };
  return `# Hardware report

${simulated === null ? '' : `**On simulated devices (${simulated}): this says nothing of any hardware.**\n\n`}\
Made by \`npm run test:gpu\` on ${new Date(began).toISOString()}, in ${Math.round((Date.now() - began) / 1000)} s, \
at ${commit.stdout?.trim() || 'an unknown commit'}: ${passed ? 'all tests passed' : '**some tests failed**'}.

${platform()} ${release()} ${arch()}, ${cpus().length} × ${model}, Node ${process.version}.

${sections.trimEnd()}
`;
}
