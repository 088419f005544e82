import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findPython, probeTorch, type TorchFacts } from './torch-probe.js';

const PYTHON = process.env.BERTH_PYTHON ?? '/usr/bin/python3';
const root = mkdtempSync(join(tmpdir(), 'berth-probe-'));
afterAll(() => rmSync(root, { recursive: true }));

let count = 0;
/** A folder with a program in it. */
function program(name: string, text: string): { folder: string; file: string } {
  count += 1;
  const folder = join(root, String(count));
  mkdirSync(folder);
  const file = join(folder, name);
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return { folder, file };
}

const environment = { PATH: process.env.PATH };
/** Asks a program that stands for a python. */
const ask = (text: string, patienceMs?: number) =>
  probeTorch(program('python3', `#!/bin/sh\n${text}\n`).file, environment, patienceMs);
/** A python in which `import torch` does this. */
async function importing(torch: string): Promise<TorchFacts | string> {
  const { folder } = program('torch.py', torch);
  return probeTorch(PYTHON, { ...environment, PYTHONPATH: folder });
}

describe('a python', () => {
  it('says what its PyTorch is', async () => {
    expect(await probeTorch(PYTHON, environment)).toMatchObject({
      python: expect.stringMatching(/^3\./) as string,
      executable: expect.stringMatching(/^\//) as string,
      torch: expect.stringMatching(/^\d/) as string,
      error: null,
      available: expect.any(Boolean) as boolean,
      warnings: [],
    });
  });

  it('may be a script that says something first', async () => {
    const facts = await ask(`echo 'loading modules…'; ${PYTHON} "$@"`);
    expect(facts).toMatchObject({ torch: expect.any(String) as string });
  });

  it('says why its PyTorch can not be imported', async () => {
    const why = 'libcudart.so.12: cannot open shared object file';
    expect(await importing(`raise ImportError('${why}\\nand more')`)).toMatchObject({
      torch: null,
      error: `ImportError: ${why}`,
    });
  });

  it.each([
    [
      'importing torch ended it with SIGSEGV: sorry',
      'import os, sys; print("sorry", file=sys.stderr, flush=True); os.kill(os.getpid(), 11)',
    ],
    ['it ended with exit code 3 and did not do what a python does', 'import os; os._exit(3)'],
  ])('of which %s', async (why, torch) => {
    expect(await importing(torch)).toBe(why);
  });

  it('says why CUDA is not available, where it is built for it', async () => {
    const torch = `
import warnings
__version__ = '2.6.0+cu124'
class version: cuda = '12.4'
class cudnn: version = staticmethod(lambda: 90100)
class backends: cudnn = cudnn
class cuda:
    def is_available(): warnings.warn(''); warnings.warn('too old\\nsee there'); return False
    def device_count(): return 0
    def get_arch_list(): return ['sm_90']
    def init(): raise RuntimeError('No CUDA GPUs are available')
`;
    expect(await importing(torch)).toMatchObject({
      cuda: '12.4',
      cudnn: 90_100,
      available: false,
      devices: [],
      architectures: ['sm_90'],
      error: 'RuntimeError: No CUDA GPUs are available',
      warnings: ['', 'too old'],
    });
  });

  it('gets no more of our environment than it is given', async () => {
    process.env.BERTH_SECRET = 'x';
    expect(await ask('[ -z "$BERTH_SECRET" ] && echo clean >&2')).toBe('clean');
    delete process.env.BERTH_SECRET;
  });

  it('that gives no answer is ended, with what it started', async () => {
    const mark = join(root, 'late');
    expect(await ask(`(sleep 1; touch ${mark}) & wait`, 200)).toBe('it gave no answer within 0.2 s');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await ask(`[ -e ${mark} ] || echo 'not there' >&2`)).toBe('not there');
  });

  it.each([
    ['there is no such program', '/no/such'],
    ['it may not be executed', '/etc/passwd'],
    ['it ended with exit code 0 and did not do what a python does', '/bin/true'],
  ])('is none: %s', async (why, file) => {
    expect(await probeTorch(file, environment)).toBe(why);
  });
});

describe('the python on a PATH', () => {
  it('is python3, wherever it is, before python', () => {
    const plain = program('python', '');
    const three = program('python3', '');
    const folder = join(root, 'folder');
    mkdirSync(join(folder, 'python3'), { recursive: true });
    expect(findPython({ PATH: `:${folder}:${plain.folder}:${three.folder}` })).toBe(three.file);
    expect(findPython({ PATH: plain.folder })).toBe(plain.file);
    expect(findPython({ PATH: root })).toBeNull();
    expect(findPython({})).toBeNull();
  });
});
