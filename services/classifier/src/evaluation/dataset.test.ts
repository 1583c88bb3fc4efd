import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.js';
import { readDataset } from './dataset.js';

async function read(name: string, content: string) {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, name);
  await writeFile(path, content);
  return readDataset(path);
}

const expected = {
  train: [
    { text: 'pay it back', intent: 'refunds' },
    { text: 'hello, you', intent: 'small talk' },
  ],
  test: [
    { text: 'my money', intent: 'refunds' },
    { text: 'what is 2 + 2', intent: null },
  ],
};

test.each([
  [
    'a.json',
    JSON.stringify({
      train: [['pay it back', 'refunds'], { text: 'hello, you', intent: 'small talk' }],
      val: [['not read', 'refunds']],
      test: [['my money', 'refunds']],
      oos_test: [['what is 2 + 2', 'oos']],
    }),
  ],
  [
    'a.csv',
    '\ufefftext,intent,split\npay it back,refunds,train\n"hello, you",small talk,training\n\nnot read,refunds,dev\nmy money,refunds,test\nwhat is 2 + 2,,test\n',
  ],
  [
    'a.ndjson',
    [
      { utterance: 'pay it back', label: 'refunds', split: '', meta: { of: ['two'] } },
      { utterance: 'hello, you', label: 'small talk' },
      { utterance: 'my money', label: 'refunds', split: 'test' },
      { utterance: 'what is 2 + 2', label: null, split: 'TEST' },
    ]
      .map((row) => JSON.stringify(row))
      .join('\n'),
  ],
])('%s', async (name, content) => {
  expect(await read(name, content)).toEqual(expected);
});

test('a file that names no test prompts', async () => {
  expect((await read('b.csv', 'text,intent\nhi,greeting\n')).test).toBeUndefined();
});

test.each([
  ['c.json', '[1]', /c\.json: must be \{"train"/],
  ['c.json', '{bad', /c\.json: is not JSON/],
  ['c.json', '{"train": [["only one"]]}', /c\.json: train\[0\]: must be \["text", "intent"\]/],
  ['c.json', '{"train": 7}', /c\.json: train: must be a list/],
  ['c.json', '{"train": [["hi", "greeting"], [" ", "greeting"]]}', /train\[1\]: text: must not be/],
  ['c.csv', 'a,b\n1,2\n', /c\.csv: line 2: a row needs a text .*; this one has a, b/],
  ['c.csv', 'text,intent\nhi,greeting\n"",greeting\n', /line 3: text: must not be empty/],
  ['c.csv', 'text,intent,split\nhi,greeting,later\n', /line 2: split: must be train, test/],
  ['c.csv', 'text,intent\nhi,é\n', /line 2: intent: "é" has no letter/],
  ['c.ndjson', '{"text":"hi","intent":"greeting"}\n{"text"\n', /c\.ndjson: line 2: is not JSON/],
  ['c.ndjson', '\n{}\n', /line 2: a row needs .*; this one has nothing/],
  ['c.ndjson', '{"text":true,"intent":"a"}', /line 1: text: must be a string/],
  ['c.txt', 'hi', /c\.txt: must end in \.json, \.csv, \.ndjson or \.jsonl/],
])('%s of %s says what is wrong, and where', async (name, content, message) => {
  await expect(read(name, content)).rejects.toThrow(message);
});
