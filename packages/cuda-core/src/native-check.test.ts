import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeSimulation, createSimulation } from './index.js';
import { NATIVE_BUILD, SIMULATED_LIBRARIES } from './native.js';

/** Only there where the native code was built with sanitizers. */
const PROGRAM = fileURLToPath(new URL(`../${NATIVE_BUILD}/native-check`, import.meta.url));

describe.runIf(existsSync(PROGRAM))('the native core, with sanitizers and without Node, has no leak', () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'berth-native-check-'));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  let count = 0;
  const simulated = (): string => {
    count += 1;
    const file = join(root, `state-${count}`);
    createSimulation('3xH100-80GB+1xT4', file);
    return file;
  };
  /** Nothing of our environment: Node's is not to be looked into for leaks, and this says so. */
  const options = (stateFile: string) => ({
    env: { BERTH_SIMULATED_STATE: stateFile },
    timeout: 30_000,
  });
  const run = (stateFile: string, ...argv: string[]): string =>
    execFileSync(PROGRAM, argv, {
      ...options(stateFile),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  it('when many threads ask, while the devices change beneath them', async () => {
    const file = simulated();
    const program = spawn(PROGRAM, [SIMULATED_LIBRARIES, 'threads'], options(file));
    let said = '';
    for (const stream of [program.stdout, program.stderr]) stream.on('data', (data) => (said += data));
    const closed = once(program, 'close');
    await once(program.stdout, 'data');
    for (let i = 0; program.exitCode === null && program.signalCode === null; i += 1) {
      const device = i % 4;
      changeSimulation(file, { device, process: { pid: 1 + (i % 60), memoryBytes: i % 3 ? 2 ** 30 : 0 } });
      changeSimulation(file, { device, temperatureCelsius: 30 + (i % 50), figuresResult: i % 7 ? 0 : 15 });
      changeSimulation(file, { device, handleResult: i % 11 ? 0 : 15, countResult: i % 13 ? 0 : 999 });
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await closed;
    expect(said).toMatch(/^4 devices\n2000 samples, \d+ events\n$/);
    expect(program.exitCode).toBe(0);
  });

  it('when it is opened and closed a hundred times', () => {
    expect(run(simulated(), SIMULATED_LIBRARIES, 'reopen', '100')).toBe('100 times\n');
    const old = join(SIMULATED_LIBRARIES, '../simulated-old');
    expect(run(simulated(), old, 'reopen', '100')).toBe('100 times\n');
  });

  it('when the process ends with calls under way that do not come back', () => {
    const file = simulated();
    changeSimulation(file, { delayMilliseconds: 60_000 });
    expect(run(file, SIMULATED_LIBRARIES, 'hang')).toMatch(/^\d+\.\d+/);
  });

  it.each<[string, string, (directory: string) => void]>([
    ['is not there', 'driver_not_found', () => undefined],
    ['is no library', 'driver_broken', (file) => writeFileSync(file, 'this is no library')],
    [
      'is the head of a library, and then nonsense',
      'driver_broken',
      (file) => writeFileSync(file, nonsense()),
    ],
  ])('when the driver %s', (name, code, make) => {
    const directory = join(root, name);
    mkdirSync(directory);
    make(join(directory, 'libnvidia-ml.so.1'));
    expect(run(simulated(), directory, 'refused', '20')).toBe(`${code}\n`);
  });

  it("when the simulation's state is nonsense, of whatever length", () => {
    const whole = statSync(simulated()).size;
    const file = join(root, 'nonsense');
    for (const bytes of [0, 1, 39, 40, whole - 1, whole, whole + 1, 1 << 20]) {
      writeFileSync(file, Buffer.alloc(bytes, 0xa5));
      expect(run(file, SIMULATED_LIBRARIES, 'refused', '20')).toBe('driver_broken\n');
    }
  });
});

/** An ELF header whose tables lie beyond the file's end. */
function nonsense(): Buffer {
  const header = Buffer.alloc(4096, 0xa5);
  Buffer.from('7f454c4602010100000000000000000003003e0001000000', 'hex').copy(header);
  return header;
}
