import { describe, expect, it } from 'vitest';
import { refuseVerb, submissionOf } from './submission.js';

const shell = {
  directory: '/home/ada',
  environment: { PATH: '/bin', CONDA_PREFIX: '/conda', HOME: '/home/ada', WANDB_KEY: 'k', PYTHONPATH: '' },
};

describe('a submission', () => {
  it('passes on what makes python the same python, and nothing else', () => {
    expect(submissionOf({}, { words: ['python', 'train.py'] }, shell)).toEqual({
      command: ['python', 'train.py'],
      workingDirectory: '/home/ada',
      environment: { PATH: '/bin', CONDA_PREFIX: '/conda' },
    });
    expect(submissionOf({ exportNone: true }, { words: ['x'] }, shell).environment).toEqual({});
  });

  it('takes variables by value or by name, and these win', () => {
    const { environment } = submissionOf(
      { env: ['A=b=c', 'WANDB_KEY', 'PATH=/mine', 'EMPTY='] },
      { words: ['x'] },
      shell,
    );
    expect(environment).toMatchObject({ A: 'b=c', WANDB_KEY: 'k', PATH: '/mine', EMPTY: '' });
  });

  it('leaves units and masks to the daemon', () => {
    const flags = { time: '2 fortnights', grace: '5', devices: 'cuda:1', gpus: 1, label: ['team=a', 'x='] };
    expect(submissionOf(flags, { words: ['x'] }, shell)).toMatchObject({
      timeLimit: '2 fortnights',
      gracePeriod: '5',
      devices: 'cuda:1',
      gpus: 1,
      labels: { team: 'a', x: '' },
    });
  });

  it('knows signals by their short names', () => {
    const flags = { preemptible: true, checkpointSignal: 'usr2', checkpointPath: 'last.pt', warn: '5m:INT' };
    expect(submissionOf(flags, { words: ['x'] }, shell)).toMatchObject({
      preemptible: true,
      checkpointSignal: 'SIGUSR2',
      checkpointPath: 'last.pt',
      timeLimitWarning: { before: '5m', signal: 'SIGINT' },
    });
    const hangs = ['10m', '10m:kill', 'ignore'].map(
      (hang) => submissionOf({ hang }, { words: ['x'] }, shell).hang,
    );
    expect(hangs).toEqual([{ after: '10m' }, { after: '10m', action: 'kill' }, { action: 'ignore' }]);
    expect(submissionOf({ warn: '90' }, { words: ['x'] }, shell).timeLimitWarning).toEqual({ before: '90' });
  });

  it('runs where it is told, seen from here', () => {
    expect(submissionOf({ chdir: '../bob' }, { words: ['x'] }, shell).workingDirectory).toBe('/home/bob');
  });

  it.each([
    [{}, [], /nothing to run/],
    [{ env: ['NOT_SET'] }, ['x'], /--env NOT_SET/],
    [{ env: ['=x'] }, ['x'], /--env =x/],
    [{ label: ['x'] }, ['x'], /--label x/],
  ])('of %o %o is refused', (flags, words, message) => {
    expect(() => submissionOf(flags, { words }, shell)).toThrow(message);
  });
});

describe('a verb behind submit', () => {
  it.each(['list', 'ls', 'squeue', 'cancel'])('%s is refused where it stands alone', (word) => {
    expect(() => refuseVerb([word], ['submit', word])).toThrow(`berth submit -- ${word}`);
  });

  it('is a command behind -- or with words of its own', () => {
    refuseVerb(['list'], ['submit', '--', 'list']);
    refuseVerb(['ls', '-l'], ['submit', 'ls', '-l']);
    refuseVerb(['train'], ['submit', 'train']);
  });
});
