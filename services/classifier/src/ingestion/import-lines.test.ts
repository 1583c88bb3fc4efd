import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { importLines, MAX_LINE_BYTES, splitLines } from './import-lines.js';
import type { ImportLine } from './job-queue.js';

async function* chunksOf(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const value of values) collected.push(value);
  return collected;
}
const parse = async (...chunks: (string | Uint8Array)[]): Promise<ImportLine[]> =>
  collect(importLines(chunksOf(...chunks.map((chunk) => Buffer.from(chunk)))));
const line = (text: string, intent = 'a') => JSON.stringify({ intent, text });

test('numbers lines from 1, counts blank ones, and takes any line ending', async () => {
  const bytes = `${line('one')}\r\n\n  \t\r\n${line('two')}\n${line('last')}`;
  expect(await parse(bytes)).toEqual([
    { line: 1, exemplar: { intent: 'a', text: 'one' } },
    { line: 4, exemplar: { intent: 'a', text: 'two' } },
    { line: 5, exemplar: { intent: 'a', text: 'last' } },
  ]);
  expect(await parse('')).toEqual([]);
  expect(await parse('\n\n')).toEqual([]);
});

test('drops a byte order mark', async () => {
  expect(await parse(`\ufeff${line('one')}\n`)).toEqual([
    { line: 1, exemplar: { intent: 'a', text: 'one' } },
  ]);
});

describe('says what is wrong with a line, and goes on', () => {
  test.each([
    ['not json', /not valid JSON/],
    ['{"intent":"a","text":"x"', /not valid JSON/],
    ['[]', /expected object/],
    ['null', /expected object/],
    ['"text"', /expected object/],
    ['{}', /^intent: must be a string/],
    ['{"intent":"a"}', /^text: must be a string/],
    ['{"intent":"a","text":5}', /^text: must be a string/],
    ['{"intent":"a","text":"  "}', /^text: must not be empty/],
    ['{"intent":"-a","text":"x"}', /^intent: must be 1 to 64 ASCII/],
    ['{"intent":"a","text":"x","id":1}', /id/],
    [line('x'.repeat(8193)), /^text: must be at most 8192/],
    [Buffer.from([...Buffer.from('{"intent":"a","text":"'), 0xff, 0x22, 0x7d]), /not valid UTF-8/],
    [line('x'.repeat(MAX_LINE_BYTES)), /longer than 131072 bytes/],
  ])('%#', async (bad, problem) => {
    expect(await parse(bad, '\n', line('good'))).toEqual([
      { line: 1, problem: expect.stringMatching(problem) },
      { line: 2, exemplar: { intent: 'a', text: 'good' } },
    ]);
  });
});

test('the longest valid exemplar fits into a line, however it is escaped', async () => {
  const escaped = `{"intent":"a","text":"${'\\ud83d\\ude00'.repeat(8192)}"}`;
  expect(await parse(escaped)).toEqual([
    { line: 1, exemplar: { intent: 'a', text: '😀'.repeat(8192) } },
  ]);
});

test('where the chunks are cut makes no difference', async () => {
  const content = fc.array(
    fc.oneof(
      fc.string({ unit: 'binary' }).map((text) => line(text)),
      fc.constantFrom('', '\r', '{', '\ufeff', 'x'),
    ),
  );
  await fc.assert(
    fc.asyncProperty(
      content,
      fc.boolean(),
      fc.array(fc.integer({ min: 1, max: 9 })),
      async (lines, ended, cuts) => {
        const bytes = Buffer.from(lines.join('\n') + (ended ? '\n' : ''));
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(bytes.subarray(at));
        expect(await parse(...chunks)).toEqual(await parse(bytes));
      },
    ),
  );
});

test('a line without an end is not kept in memory', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const held = () => {
    collectGarbage();
    return process.memoryUsage().arrayBuffers;
  };
  const chunkBytes = 64 * 1024;
  let most = 0;
  async function* endless() {
    const before = held();
    for (let n = 1; n <= 512; n++) {
      yield Buffer.alloc(chunkBytes, 'x');
      if (n % 64 === 0) most = Math.max(most, held() - before);
    }
  }
  expect(await collect(splitLines(endless()))).toEqual([null]);
  // Of 512 chunks; those of the last round may not have been swept yet.
  expect(most).toBeLessThan(2 * 64 * chunkBytes);
});
