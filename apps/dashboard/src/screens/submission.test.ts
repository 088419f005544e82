import { BerthProblem } from '@berth/client';
import { type Job, JobSubmissionSchema } from '@berth/contract';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  asBerth,
  asCurl,
  FieldTrouble,
  mistakesIn,
  quoted,
  shellSign,
  toForm,
  toSubmission,
  words,
} from './submission.js';
import { fieldsOf, type Schema } from './submission-fields.js';

const FIELDS = fieldsOf(
  z.toJSONSchema(JobSubmissionSchema, { io: 'input', unrepresentable: 'any' }) as Schema,
);

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

  it.each([
    ['a.py && b.py > out.txt', '&&'],
    ['a.py || true', '||'],
    ['a.py|tee log', '|'],
    ['a.py 2>&1', '>'],
    ['echo done;', ';'],
    ['ls *.txt', '*'],
    ['echo $HOME', '$'],
    ['echo "in $HOME"', '$'],
    ['echo `date`', '`'],
    [`sh -c 'a.py && b.py > "$HOME/out"'`, null],
    ['curl "http://h/?a=1&b=2;c" \\; \\$HOME', null],
    ['echo "costs $ 5" 100$', null],
  ])('%s means %s to a shell', (line, sign) => {
    expect(shellSign(line)).toBe(sign);
  });
});

describe('the fields of the form', () => {
  it('are all that the schema has', () => {
    const names = new Set(FIELDS.map(({ path }) => path.split('.')[0]));
    expect([...names].sort()).toEqual(Object.keys(JobSubmissionSchema.shape).sort());
  });

  it.each([
    ['command', 'words'],
    ['script', 'lines'],
    ['gpus', 'number'],
    ['timeLimit', 'text'],
    ['startAfter', 'text'],
    ['launch', 'choice'],
    ['checkpointSignal', 'choice'],
    ['preemptible', 'yes'],
    ['environment', 'pairs'],
    ['constraints.labels', 'pairs'],
    ['after', 'list'],
    ['retry.on', 'list'],
    ['retry.exitCodes', 'numbers'],
    ['notify', 'json'],
  ])('%s is typed as %s', (path, kind) => {
    expect(FIELDS.find((field) => field.path === path)?.kind).toBe(kind);
  });

  it('know what may be chosen, what is usual, and an example', () => {
    const launch = FIELDS.find(({ path }) => path === 'launch');
    expect([launch?.choices, launch?.initial]).toEqual([['single', 'perDevice'], 'single']);
    expect(FIELDS.find(({ path }) => path === 'constraints.model')?.example).toBe('H100');
  });
});

/** What was filled in, of each kind, and what that says. */
const FILLED = {
  command: 'python3 t.py',
  gpus: '2',
  'constraints.minMemory': '40GiB',
  timeLimit: '2h',
  environment: 'A=1\nB=x y',
};
const EVERYTHING = {
  ...FILLED,
  launch: 'perDevice',
  preemptible: 'true',
  after: '41, 42',
  onDependencyFailure: 'wait',
  'retry.limit': '3',
  'retry.exitCodes': '75 76',
  'timeLimitWarning.before': '5m',
  'timeLimitWarning.signal': 'SIGUSR2',
  notify: '[{"url":"https://ci.example.org"}]',
};

describe('the form', () => {
  it('makes a submission of what was filled in alone', () => {
    expect(toSubmission({ command: 'true', name: ' ' }, FIELDS)).toEqual({ command: ['true'] });
    expect(toSubmission(EVERYTHING, FIELDS)).toEqual({
      command: ['python3', 't.py'],
      gpus: 2,
      constraints: { minMemory: '40GiB' },
      timeLimit: '2h',
      environment: { A: '1', B: 'x y' },
      launch: 'perDevice',
      preemptible: true,
      after: ['41', '42'],
      onDependencyFailure: 'wait',
      retry: { limit: 3, exitCodes: [75, 76] },
      timeLimitWarning: { before: '5m', signal: 'SIGUSR2' },
      notify: [{ url: 'https://ci.example.org' }],
    });
    expect(JobSubmissionSchema.safeParse(toSubmission(EVERYTHING, FIELDS)).error).toBeUndefined();
  });

  it('refuses what can not be read, and leaves the rest to the daemon', () => {
    const environment = new FieldTrouble('environment', '"nothing" is no NAME=VALUE');
    expect(() => toSubmission({ environment: 'nothing' }, FIELDS)).toThrow(environment);
    expect(() => toSubmission({ notify: '{' }, FIELDS)).toThrow(new FieldTrouble('notify', 'is no JSON'));
    expect(toSubmission({ gpus: 'two' }, FIELDS)).toEqual({ gpus: 'two' });
  });

  it('knows in which field a mistake is', () => {
    const errors = ['#/gpus', '#/after/1', '#/retry/limit', '#/constraints', '#'].map((pointer) => ({
      ...{ pointer, detail: 'is wrong' },
    }));
    const refused = new BerthProblem('invalid_request', 422, 'The request has errors', { errors });
    expect(mistakesIn(refused, FIELDS).map(({ path }) => path)).toEqual([
      ...['gpus', 'after', 'retry.limit', 'constraints', null],
    ]);
    expect(mistakesIn(new FieldTrouble('notify', 'is no JSON'), FIELDS)).toEqual([
      { path: 'notify', detail: 'is no JSON' },
    ]);
    expect(mistakesIn(new Error('no answer'), FIELDS)).toEqual([{ path: null, detail: 'no answer' }]);
  });

  it('says the same for the command line and for curl', () => {
    expect(asBerth(FILLED, FIELDS)).toEqual({
      line: "berth submit -G 2 --min-memory 40GiB -t 2h -e A=1 -e 'B=x y' -- python3 t.py",
      without: [],
    });
    expect(asBerth(EVERYTHING, FIELDS)).toEqual({
      line:
        "berth submit -G 2 --min-memory 40GiB --launch perDevice -t 2h -e A=1 -e 'B=x y' -a 41 -a 42 --after-wait --retries 3 " +
        '--retry-on 75 --retry-on 76 --preemptible --warn 5m:SIGUSR2 -- python3 t.py',
      without: ['notify'],
    });
    expect(asBerth({ command: 'a.py && b.py "$HOME" > out.txt' }, FIELDS).line).toBe(
      "berth submit -- a.py '&&' b.py '$HOME' '>' out.txt",
    );
    expect(asCurl({ command: "echo 'it'" }, FIELDS, 'http://h')).toContain(`-d '{"command":["echo","it"]}'`);
  });

  it('takes up a job that was: what it asked for, as it was typed or in figures', () => {
    const job = {
      ...{ number: 7, state: 'failed', user: 'ada', held: true, launch: 'single', priority: 0, gpus: 2 },
      ...{ command: ['sh', '-c', 'echo a b'], script: null, name: 'echo', workingDirectory: '/tmp' },
      ...{ environment: { A: '1', B: 'x y' }, timeLimit: 7200, retry: { limit: 2, on: ['signal'] } },
      ...{ constraints: { minMemoryBytes: 1024, model: null }, sharing: null, after: [{ number: 3 }] },
    } as unknown as Job;
    expect(toForm(job, FIELDS)).toEqual({
      command: "sh -c 'echo a b'",
      name: 'echo',
      workingDirectory: '/tmp',
      environment: 'A=1\nB=x y',
      gpus: '2',
      'constraints.minMemory': '1024',
      timeLimit: '7200',
      'retry.limit': '2',
      'retry.on': 'signal',
    });
    expect(toSubmission(toForm(job, FIELDS), FIELDS).command).toEqual(job.command);
  });
});
