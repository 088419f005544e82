import { describe, expect, it } from 'vitest';
import { asBerth, asCurl, EMPTY, quoted, toSubmission, words } from './submission.js';

describe('a command line', () => {
  it.each<[string, string[]]>([
    ['python3 train.py --lr 0.1', ['python3', 'train.py', '--lr', '0.1']],
    [`sh -c 'echo "a b"; ls'`, ['sh', '-c', 'echo "a b"; ls']],
    ['echo "say \\"hi\\"" \\$HOME ""', ['echo', 'say "hi"', '$HOME', '']],
    ['  spaced   out  ', ['spaced', 'out']],
  ])('%s is read as words', (line, expected) => {
    expect(words(line)).toEqual(expected);
    expect(words(expected.map(quoted).join(' '))).toEqual(expected);
  });

  it('with an open quote is refused', () => {
    expect(() => words("echo 'oh")).toThrow("has a ' that is not closed");
  });
});

describe('the form', () => {
  const form = {
    ...EMPTY,
    command: 'python3 t.py',
    gpus: '2',
    minMemory: '40GiB',
    timeLimit: '2h',
    environment: 'A=1\nB=x y',
  };

  it('makes a submission of what was filled in alone', () => {
    expect(toSubmission({ ...EMPTY, command: 'true' })).toEqual({ command: ['true'], gpus: 1 });
    expect(toSubmission(form)).toEqual({
      command: ['python3', 't.py'],
      gpus: 2,
      constraints: { minMemory: '40GiB' },
      timeLimit: '2h',
      environment: { A: '1', B: 'x y' },
    });
    expect(() => toSubmission({ ...form, environment: 'nothing' })).toThrow('no NAME=VALUE');
  });

  it('says the same for the command line and for curl', () => {
    expect(asBerth(form)).toBe(
      "berth submit -G 2 --min-memory 40GiB -t 2h -e A=1 -e 'B=x y' -- python3 t.py",
    );
    expect(asCurl({ ...EMPTY, command: "echo 'it'" }, 'http://h')).toContain(
      `-d '{"command":["echo","it"],"gpus":1}'`,
    );
  });
});
