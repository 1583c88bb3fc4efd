import type { Classification } from '@switchyard/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, classify } from '../support/classifier-client.js';
import type { ServiceProcess } from '../support/service-process.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** One classifier with the starter exemplars; nothing here changes it. */
let service: ServiceProcess;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeAll(async () => {
  directory = await temporaryDirectory();
  service = await startClassifier(directory.path);
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

describe('the starter exemplars', () => {
  test('are at least eight intents of at least thirty', async () => {
    const { body } = await call(service, 'GET', '/v1/intents');
    expect(body.intents.length).toBeGreaterThanOrEqual(8);
    for (const intent of body.intents) {
      expect(intent.description).not.toBe('');
      expect(intent.exemplars).toBeGreaterThanOrEqual(30);
    }
    const { body: ready } = await call(service, 'GET', '/ready');
    expect(ready).toMatchObject({ ready: true, model: 'all-MiniLM-L6-v2' });
  });

  test.each([
    ['Write a Python function to sort a list', 'code generation'],
    ["I'm feeling anxious about my deadline", 'emotional support'],
    ['hi', 'quick question'],
  ])('"%s" is %s', async (text, intent) => {
    const answer = await classify(service, text);
    expect(answer.intent).toBe(intent);
    expect(answer.confidence).toBeGreaterThan(0.4);
    expect(answer.alternatives[0]).toEqual({ intent, confidence: answer.confidence });
  });

  test.each(['thanks', 'and now in Rust'])('"%s" says nothing on its own', async (text) => {
    const answer = await classify(service, text);
    expect(answer.intent).toBeNull();
    // The best guess is named all the same.
    expect(answer.alternatives[0]?.confidence).toBe(answer.confidence);
    expect(answer.confidence).toBeGreaterThan(0);
  });
});

test('an answer is a ranking whose confidences are shares', async () => {
  const answer = await classify(service, 'Translate "good morning" into Italian');
  const confidences = answer.alternatives.map(({ confidence }) => confidence);
  expect(confidences).toEqual([...confidences].sort((a, b) => b - a));
  expect(confidences.reduce((a, b) => a + b)).toBeLessThanOrEqual(1 + 1e-9);
  expect(new Set(answer.alternatives.map(({ intent }) => intent)).size).toBe(confidences.length);
  expect(answer).not.toHaveProperty('neighbours');
  expect(answer.indexVersion).toBeGreaterThan(0);
});

test.each([
  { options: { explain: true }, shown: 5 },
  { options: { k: 7 }, shown: 7 },
  { options: { k: 100, explain: true }, shown: 100 },
  { options: { k: 3, explain: false }, shown: 3 },
])('$options shows $shown neighbours, nearest first', async ({ options, shown }) => {
  const text = 'Write a Python function to sort a list';
  const { body } = await call(service, 'POST', '/v1/classify', { text, ...options });
  const { neighbours } = body as Classification;
  const similarities = (neighbours ?? []).map(({ similarity }) => similarity);
  expect(similarities).toHaveLength(shown);
  expect(similarities).toEqual([...similarities].sort((a, b) => b - a));
  for (const { id, intent, text: shownText } of neighbours ?? [])
    expect([id, intent, shownText].every((value) => value.length > 0)).toBe(true);
});

test('several texts are answered in order, each as if it were alone', async () => {
  const texts = ['hi', 'thanks', 'Prove that 2 + 2 = 4', 'hi', ...Array<string>(60).fill('hello')];
  const { status, body } = await call(service, 'POST', '/v1/classify', { texts });
  expect(status).toBe(200);
  expect(body.results).toHaveLength(64);
  const alone = await Promise.all(texts.slice(0, 5).map((text) => classify(service, text)));
  expect(body.results.slice(0, 5)).toEqual(alone);
});

test('the same text gets the same answer while others are being classified', async () => {
  const first = await classify(service, 'How do I fix a KeyError in this loop?');
  const others = Array.from({ length: 40 }, (_, n) => classify(service, `text number ${n}`));
  const again = await Promise.all(
    Array.from({ length: 5 }, () => classify(service, 'How do I fix a KeyError in this loop?')),
  );
  await Promise.all(others);
  for (const answer of again) expect(answer).toEqual(first);
});

test('a text is read at its beginning and its end, however long it is', async () => {
  const middle = 'The minutes of the meeting follow. '.repeat(200);
  const text = `Write a Python function that parses this. ${middle} Return the code of the function.`;
  expect((await classify(service, text)).intent).toBe('code generation');
});

test('the longest texts do not keep /health waiting', async () => {
  const texts = Array.from({ length: 64 }, (_, n) => `${n} `.padEnd(8192, 'many words in a text '));
  let answered = false;
  const slow = call(service, 'POST', '/v1/classify', { texts }).finally(() => {
    answered = true;
  });
  const waits: number[] = [];
  while (!answered) {
    const start = performance.now();
    expect((await call(service, 'GET', '/health')).status).toBe(200);
    waits.push(performance.now() - start);
  }
  expect((await slow).status).toBe(200);
  // Were the event loop blocked while the model runs, one answer could come in between at most.
  expect(waits.length).toBeGreaterThan(20);
});
