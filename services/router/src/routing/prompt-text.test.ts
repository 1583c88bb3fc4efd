import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePattern } from '../configuration/pattern.js';
import { fleetOf } from '../test-support/test-router.js';
import { promptText } from './prompt-text.js';

const { strip } = fleetOf(
  'pools: { p: { backends: [{ name: b, url: "http://h" }] } }\ndefault: p\n',
);

describe('without the wrappers of harnesses', () => {
  test.each([
    ['hi', 'hi'],
    ['  hi \n', 'hi'],
    ['<system-reminder>be nice</system-reminder>hi', 'hi'],
    ['a<system-reminder>\nx\ny\n</system-reminder> b <SYSTEM-REMINDER>z</SYSTEM-reminder>', 'a b'],
    ['<system-reminder>a</system-reminder>b</system-reminder>', 'b</system-reminder>'],
    ['<system-reminder>never closed', '<system-reminder>never closed'],
    ['<system-reminder>all of it</system-reminder>', ''],
    ['$1 and \\ stay', '$1 and \\ stay'],
    ['', ''],
  ])('%j -> %j', (turn, text) => {
    expect(promptText(turn, strip)).toBe(text);
  });

  test('by patterns of one own, in their order', () => {
    const own = [compilePattern('\\[[0-9:]+\\]'), compilePattern('^\\s*user:')];
    expect(promptText('[12:30] user: hi', own)).toBe('hi');
    expect(promptText('<system-reminder>kept</system-reminder>', own)).toContain('kept');
  });
});

describe('a long text', () => {
  test('keeps its beginning and its end', () => {
    const text = promptText(`${'a'.repeat(10_000)}${'b'.repeat(10_000)}`, strip);
    expect(text).toBe(`${'a'.repeat(4096)}${'b'.repeat(4096)}`);
  });

  test('up to the limit stays whole', () => {
    expect(promptText('x'.repeat(8192), strip)).toHaveLength(8192);
  });

  test('of ten megabytes is no work', () => {
    const turn = `start ${'<system-reminder>'.repeat(600_000)} end`;
    const text = promptText(turn, strip);
    expect(text.startsWith('start <')).toBe(true);
    expect(text.endsWith('> end')).toBe(true);
  }, 5_000);

  test('cut within a pair of surrogates stays a text', () => {
    const text = promptText(`a${'\u{1f600}'.repeat(10_000)}`, strip);
    expect(text.isWellFormed()).toBe(true);
    expect(text).toHaveLength(8192);
  });
});

test('whatever the turn, the text is one that the classifier takes, or none', () => {
  const turns = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc
      .array(
        fc.constantFrom(
          '\ud800',
          '\udfff',
          ' ',
          'a',
          '\u{1f600}',
          '\u00a0',
          '<system-reminder>',
          '</system-reminder>',
        ),
        { maxLength: 40 },
      )
      .map((parts) => parts.join('')),
    fc
      .tuple(
        fc.constantFrom(' ', 'a', '\u{1f600}', '\ud800'),
        fc.integer({ min: 4000, max: 70_000 }),
      )
      .map(([part, times]) => part.repeat(times)),
  );
  fc.assert(
    fc.property(turns, (turn) => {
      const text = promptText(turn, strip);
      expect(text.isWellFormed()).toBe(true);
      expect(text.length).toBeLessThanOrEqual(8192);
      expect(text).toBe(text.trim());
    }),
    { numRuns: 200 },
  );
});
