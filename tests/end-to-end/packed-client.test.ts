import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestDaemon } from '../support/daemon.js';

const REPOSITORY = new URL('../..', import.meta.url).pathname;
const README = readFileSync(join(REPOSITORY, 'packages/client/README.md'), 'utf8');
const HAS_EVENTS = readFileSync(join(REPOSITORY, 'openapi.yaml'), 'utf8').includes('\n  /v1/events:');
const run = promisify(execFile);

/** An empty project, into which the packages are installed as npm would pack them for publishing, without a network. */
let project: string;
let daemon: TestDaemon;
beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'berth-packed-'));
  daemon = await TestDaemon.start('2xH100-80GB');
  writeFileSync(join(project, 'package.json'), '{"name": "stranger", "private": true, "type": "module"}');
  const packed = ['packages/contract', 'packages/client', 'node_modules/zod'].map((folder) =>
    join(REPOSITORY, folder),
  );
  const { stdout } = await npm('pack', '--json', '--ignore-scripts', ...packed);
  const tarballs = (JSON.parse(stdout) as { filename: string }[]).map(({ filename }) => `./${filename}`);
  await npm('install', '--offline', '--no-audit', '--no-fund', ...tarballs);
});
afterAll(async () => {
  await daemon.destroy();
  rmSync(project, { recursive: true, force: true });
});

const npm = (...argv: string[]) => run('npm', argv, { cwd: project });

/** The examples of the README, as it shows them, with this daemon for theirs. */
function examples(): string[] {
  const here: [string, string][] = [
    ['http://127.0.0.1:7700', daemon.address],
    ['/var/lib/berth/token', join(daemon.dataDirectory, 'token')],
    ['/home/ada/project', project],
  ];
  return [...README.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) =>
    here.reduce((text, [theirs, ours]) => text.replaceAll(theirs, ours), code),
  );
}

async function runExample(code: string): Promise<{ stdout: string; stderr: string }> {
  writeFileSync(join(project, 'example.mjs'), code);
  return run(process.execPath, ['example.mjs'], { cwd: project });
}

describe('the packed client in an empty project', () => {
  it('brings its types: the README compiles strictly', async () => {
    for (const [i, code] of examples().entries()) writeFileSync(join(project, `example${i}.mts`), code);
    const flags = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023'];
    const types = ['--types', 'node', '--typeRoots', join(REPOSITORY, 'node_modules/@types')];
    const files = examples().map((_, i) => `example${i}.mts`);
    await run(join(REPOSITORY, 'node_modules/.bin/tsc'), [...flags, ...types, ...files], { cwd: project });
  });

  it('runs the first example: submits a job, follows it, waits for it', async () => {
    writeFileSync(join(project, 'train.py'), 'import sys; print("lr", sys.argv[2])\n');
    const [first = ''] = examples();
    expect((await runExample(first)).stdout).toBe('lr 0.1\nsucceeded undefined\n');
  });

  it('runs the second: every bad field of a refused job', async () => {
    const [, second = ''] = examples();
    const { stderr } = await runExample(second);
    expect(stderr).toMatch(/#\/gpus .*9/);
  });

  it.runIf(HAS_EVENTS)('runs the third: what happens, until a job has ended', async () => {
    const [, , third = ''] = examples();
    let isRunning = true;
    const example = runExample(third).finally(() => {
      isRunning = false;
    });
    // It may listen from the second or the third job on.
    while (isRunning) await daemon.ended(await daemon.shell('true'));
    expect((await example).stdout).toMatch(/job\.ended \d+\n$/);
  });

  it('has nothing for Node alone in it, and leaves behind what a page does not use', async () => {
    mkdirSync(join(project, 'page'));
    const bundle = async (source: string): Promise<string> => {
      const entry = join(project, 'page', 'entry.js');
      writeFileSync(entry, source);
      const built = await build({
        root: project,
        logLevel: 'error',
        build: { write: false, minify: false, lib: { entry, formats: ['es'] }, target: 'es2022' },
      });
      const [{ output }] = built as unknown as [{ output: { code: string }[] }];
      return output.map(({ code }) => code).join('\n');
    };
    const whole = await bundle(`export { BerthClient } from '@berth/client';`);
    expect(whole).toContain('/v1/jobs');
    expect(whole).not.toMatch(/zod|from ['"]node:|require\(/i);
    const part = await bundle(`export { BerthProblem } from '@berth/client';`);
    expect(part).toContain('BerthProblem');
    expect(part).not.toContain('/v1/');
  });
});
