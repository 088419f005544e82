import { describe, expect, it } from 'vitest';
import { diagnosisOf } from './diagnosis.js';

const classOf = (output: string): string | undefined =>
  diagnosisOf(output, { gpus: 1, shares: false, bySignal: false, xid: null })?.class;

const frame = (file: string, name: string, code: string): string =>
  `  File "${file}", line 7, in ${name}\n    ${code}\n`;
const traceback = (exception: string, ...frames: string[]): string =>
  `Traceback (most recent call last):\n${(frames.length > 0 ? frames : [frame('train.py', '<module>', 'main()')]).join('')}${exception}\n`;
const OOM = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.';
const EPOCHS = Array.from({ length: 300 }, (_, epoch) => `epoch ${epoch} loss 0.1\n`).join('');
const WHILE_HANDLING = '\nDuring handling of the above exception, another exception occurred:\n\n';
const FROM = '\nThe above exception was the direct cause of the following exception:\n\n';
const inStep = frame('train.py', 'step', 'loss.backward()');
const onRank = (rank: number, text: string): string => text.replace(/^(?=.)/gm, `[rank${rank}]: `);

describe('what a program has survived is not why it ended:', () => {
  it.each<[string, string, string]>([
    [
      'a line of its own',
      `OOM, halving: ${OOM}\n${EPOCHS}${traceback("KeyError: 'val'")}`,
      'python_exception',
    ],
    ['a line just before', `OOM, halving: ${OOM}\n${traceback("KeyError: 'val'")}`, 'python_exception'],
    [
      'another special error at the end',
      `${OOM}\n${EPOCHS}${traceback("FileNotFoundError: [Errno 2] No such file or directory: 'x'")}`,
      'file_missing',
    ],
    ['a whole traceback', `${traceback(OOM)}${EPOCHS}${traceback("KeyError: 'val'")}`, 'python_exception'],
    [
      'what was being handled when a mistake was made',
      `${traceback(OOM, inStep)}${WHILE_HANDLING}${traceback("KeyError: 'val'", frame('train.py', 'step', "size = config['val']"))}`,
      'python_exception',
    ],
    [
      'what was being handled when something else raised',
      `${traceback(OOM, inStep)}${WHILE_HANDLING}${traceback('ValueError: no', inStep, frame('lib.py', 'parse', 'raise ValueError("no")'))}`,
      'python_exception',
    ],
    [
      'under a launcher, which raises last',
      `${OOM}\n${EPOCHS}${traceback("KeyError: 'val'")}${traceback('subprocess.CalledProcessError: Command failed')}`,
      'python_exception',
    ],
    [
      'where something fails at the exit too',
      `${OOM}\n${EPOCHS}${traceback("KeyError: 'val'")}Exception ignored in: <function A.__del__>\n${traceback('AttributeError: x')}`,
      'python_exception',
    ],
  ])('%s', (_, output, expected) => {
    expect(classOf(output)).toBe(expected);
  });
});

describe('why a program ended may stand before its last traceback:', () => {
  it.each<[string, string, string]>([
    [
      'as the cause that is raised from',
      `${traceback(OOM)}${FROM}${traceback('RuntimeError: step failed')}`,
      'cuda_out_of_memory',
    ],
    [
      'as what was caught and raised again',
      `${traceback(OOM, inStep)}${WHILE_HANDLING}${traceback('RuntimeError: step failed', frame('train.py', 'step', 'raise RuntimeError("step failed")'))}`,
      'cuda_out_of_memory',
    ],
    [
      'as the traceback of another process',
      `${traceback(OOM)}W1121 x.py:1] closing\n${traceback('torch.distributed.DistBackendError: NCCL error in: x')}`,
      'cuda_out_of_memory',
    ],
    [
      'as that of another rank, however much lies between',
      `${onRank(1, traceback(OOM))}${EPOCHS}${onRank(0, traceback('RuntimeError: lost'))}`,
      'cuda_out_of_memory',
    ],
    [
      'before what fails at the exit',
      `${traceback(OOM)}${EPOCHS}Exception ignored in: <function A.__del__>\n${traceback('AttributeError: x')}`,
      'cuda_out_of_memory',
    ],
    [
      "as NCCL's watchdog says it",
      `[rank0]:[E1121 18:00:00.1 ProcessGroupNCCL.cpp:607] [Rank 0] Watchdog caught collective operation timeout: x\nepoch 3\n${traceback('RuntimeError: aborted')}`,
      'collective_timeout',
    ],
    [
      'as C++ says it',
      `gemm.cu:42: CUDA error: an illegal memory access was encountered\n${traceback('RuntimeError: exit code 1')}`,
      'illegal_memory_access',
    ],
  ])('%s', (_, output, expected) => {
    expect(classOf(output)).toBe(expected);
  });

  it('and behind its first line: in the worker of a data loader', () => {
    const caught = `${traceback('RuntimeError: Caught OSError in DataLoader worker process 0.')}Original ${traceback('OSError: [Errno 28] No space left on device')}`;
    expect(classOf(`${OOM}\n${EPOCHS}${caught}`)).toBe('disk_full');
  });
});

it('without a traceback all of the output tells', () => {
  expect(classOf(`CUDA error: out of memory\n${EPOCHS}`)).toBe('cuda_out_of_memory');
  expect(
    classOf(`CUDA error: out of memory\n${EPOCHS}${traceback('subprocess.CalledProcessError: x')}`),
  ).toBe('cuda_out_of_memory');
});

it('long lines and many tracebacks are read quickly', () => {
  const before = process.cpuUsage().user;
  classOf(`${' x'.repeat(64 * 1024)}\n${traceback('KeyError: 1').repeat(1000)}`);
  classOf(`Traceback (most recent call last):\n${'\n'.repeat(128 * 1024)}`);
  expect(process.cpuUsage().user - before).toBeLessThan(2_000_000);
});
