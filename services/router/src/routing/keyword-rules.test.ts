import { describe, expect, test } from 'vitest';
import { fleetOf } from '../test-support/test-router.js';
import { matchKeywords } from './keyword-rules.js';

const rulesOf = (yaml: string) =>
  fleetOf(
    `pools: { p: { backends: [{ name: b, url: "http://h" }] } }\ndefault: p\nkeywords:\n${yaml}`,
  ).keywords;

const shipped = rulesOf(`
  - pattern: '\\b(code|function|class|def|import|react|typescript|python|javascript|api)\\b'
    intent: code generation
  - { maxWords: 9, intent: quick question }`);

describe('the rules of the examples', () => {
  test.each<[string, string | undefined, number?]>([
    ['write a Python script', 'code generation', 0],
    ['REACT', 'code generation', 0],
    ['call the api, please', 'code generation', 0],
    ['hi', 'quick question', 1],
    ['one two three four five six seven eight nine', 'quick question', 1],
    ['one two three four five six seven eight nine ten', undefined],
    ['  spaces \t\n do not   count  ', 'quick question', 1],
    ['decode the classified reactor', 'quick question', 1],
    ['tell me about the apiary that my uncle keeps behind the old barn', undefined],
    ['', 'quick question', 1],
  ])('%s', (text, intent, rule) => {
    expect(matchKeywords(shipped, text)).toEqual(intent && { intent, rule });
  });
});

test('the first rule that fits wins, and it must fit in all it asks for', () => {
  const rules = rulesOf(`
  - { pattern: sort, maxWords: 2, intent: a }
  - { pattern: sort, intent: b }
  - { pattern: '^$|list', intent: c }`);
  const intentOf = (text: string) => matchKeywords(rules, text)?.intent;
  expect(['sort it', 'please sort it', 'a list', 'nothing'].map(intentOf)).toEqual([
    ...['a', 'b', 'c', undefined],
  ]);
});

test('no rules match nothing', () => {
  expect(matchKeywords([], 'code')).toBeUndefined();
});

test('a pattern that would hang a backtracking engine takes no time to speak of', () => {
  const rules = rulesOf(`  - { pattern: '^(a+)+$', intent: a }`);
  expect(matchKeywords(rules, `${'a'.repeat(50_000)}b`)).toBeUndefined();
}, 5_000);
