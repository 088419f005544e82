import { describe, expect, it } from 'vitest';
import { parseCsv, readCsv } from './csv.js';
import { InputError } from './trace.js';

const HEAD = 'submit,user,gpus,duration,timeLimit,priority\n';
const read = (text: string) => parseCsv(text, 'jobs.csv', 8);

describe('a trace in CSV', () => {
  it('is read into the order of submission, from its first moment on', () => {
    expect(read(`${HEAD}1700000100,bo,2,30.4,60,1\n1700000000,"ada, l",1,0.2,,\n`)).toEqual([
      { number: 1, submit: 0, user: 'ada, l', gpus: 1, duration: 1, timeLimit: null, priority: 0 },
      { number: 2, submit: 100, user: 'bo', gpus: 2, duration: 30, timeLimit: 60, priority: 1 },
    ]);
  });

  it('needs no columns that may be empty, in any order, behind a byte order mark', () => {
    expect(read('\uFEFFuser, gpus, submit, duration\r\nada, 1, 5, 10\r\n\r\n')).toMatchObject([
      { user: 'ada', gpus: 1, submit: 0, duration: 10, timeLimit: null, priority: 0 },
    ]);
  });

  it.each([
    ['', 'jobs.csv: there are no jobs in it'],
    [HEAD, 'jobs.csv: there are no jobs in it'],
    ['submit,user,gpus\n', 'jobs.csv:1: column duration is missing; columns are'],
    [`${HEAD.trim()},colour\n`, "jobs.csv:1: column 'colour' is unknown"],
    [`${HEAD.trim()},user\n`, 'jobs.csv:1: column user is there twice'],
    [
      `${HEAD}0,ada,1,10,,\n0,ada,two,10,,\n`,
      "jobs.csv:3: column gpus: 'two' is no whole number from 1 to 8 (the largest node)",
    ],
    [`${HEAD}0,ada,16,10,,\n`, "jobs.csv:2: column gpus: '16' is no whole number from 1 to 8"],
    [`${HEAD}0,ada,1.5,10,,\n`, "jobs.csv:2: column gpus: '1.5' is no whole number"],
    [`${HEAD}-1,ada,1,10,,\n`, "jobs.csv:2: column submit: '-1' is no number from 0 on"],
    [`${HEAD}0,,1,10,,\n`, 'jobs.csv:2: column user is empty'],
    [`${HEAD}0,ada,1,,,\n`, 'jobs.csv:2: column duration is empty'],
    [`${HEAD}0,ada,1,Infinity,,\n`, "jobs.csv:2: column duration: 'Infinity' is no number from 0 on"],
    [`${HEAD}0,ada,1,10,0,\n`, "jobs.csv:2: column timeLimit: '0' is no number from 1 on"],
    [`${HEAD}0,ada,1,10,,high\n`, "jobs.csv:2: column priority: 'high' is no whole number"],
    [`${HEAD}0,ada,1\n`, 'jobs.csv: Invalid Record Length: columns length is 6, got 3 on line 2'],
    [`${HEAD}0,"ada,1,10,,\n`, 'jobs.csv: Quote Not Closed'],
  ])('is refused in one line: %j', (text, message) => {
    let said = '';
    try {
      read(text);
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      said = (error as Error).message;
    }
    expect(said).toContain(message);
    expect(said).not.toContain('\n');
  });

  it('that is not there is named', () => {
    expect(() => readCsv('/nowhere/jobs.csv', 8)).toThrow(/can't read the trace \/nowhere\/jobs.csv: ENOENT/);
  });
});
