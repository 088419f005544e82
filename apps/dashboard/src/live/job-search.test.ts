import { expect, it } from 'vitest';
import { filtersOf, numberIn } from './job-search.js';

const LIVE = ['pending', 'starting', 'running', 'stopping'];

it.each([
  ['', '', null],
  ['  ', '', null],
  ['', 'any', {}],
  ['', 'failed', { state: 'failed' }],
  ['bert large', 'any', { name: 'bert large' }],
  ['user:ada llama', '', { state: LIVE, user: 'ada', name: 'llama' }],
  ['label:a=1 label:b device:3 since:1d', 'any', { label: ['a=1', 'b'], device: '3', since: '1d' }],
  ['user: odd:word', 'any', { name: 'user: odd:word' }],
])('"%s" among "%s" jobs asks the daemon for %j', (words, state, filters) => {
  expect(filtersOf({ words, state })).toEqual(filters);
});

it.each([
  [' 17 ', 17],
  ['17 user:ada', null],
  ['resnet50', null],
  ['0', null],
  ['', null],
])('"%s" names job %s', (words, number) => {
  expect(numberIn({ words, state: '' })).toBe(number);
});
