import { Evaluation, QualityAnswer } from '@switchyard/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, trained } from '../support/classifier-client.js';
import type { ServiceProcess } from '../support/service-process.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

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

const add = (intent: string, texts: string[]) =>
  call(service, 'POST', `/v1/intents/${intent}/exemplars`, { texts });

test('the report tells how well the exemplars are told apart, and what the last additions did', async () => {
  const before = QualityAnswer.parse(await trained(service));
  expect(before.accuracy).toBeGreaterThan(0.7);
  expect(before.calibrationError).toBeLessThan(0.1);
  expect(before.expectedRejections).toBeGreaterThan(0);
  // `follow-up`, 8 % of the exemplars, has a threshold that nothing reaches.
  expect(before.expectedRejections).toBeLessThan(0.25);
  expect(before.method.caution).toBeNull();

  // Five prompts about penguins, and one in the wrong place.
  await add('penguins', [
    'Feed the penguins at noon',
    'How many penguins live on the ice?',
    'Which penguin is the tallest?',
    'Clean the penguin pool',
    'The penguin chick is hungry',
    'Translate this sentence into Spanish, please',
  ]);
  const after = QualityAnswer.parse(await trained(service));
  expect(after).toMatchObject({ current: true, exemplars: before.exemplars + 6 });
  expect(after.trainedOn).toBeGreaterThan(before.trainedOn);
  expect(after.indexVersion).toBeGreaterThanOrEqual(after.trainedOn);
  expect(after.since).toMatchObject({ exemplars: before.exemplars, change: { exemplars: 6 } });
  expect(after.since?.intents[0]).toMatchObject({
    intent: 'penguins',
    exemplars: { before: 0, now: 6 },
  });
  const penguins = after.intents.find(({ intent }) => intent === 'penguins');
  expect(penguins?.support).toBe(6);
  expect(penguins?.recall).toBeGreaterThan(0.5);
  expect(after.suspicious.mislabelled.map(({ text }) => text)).toContain(
    'Translate this sentence into Spanish, please',
  );
});

test('prompts of the caller are evaluated, foreign ones too', async () => {
  await trained(service);
  const examples = [
    { text: 'Write a function that reverses a string in Rust', intent: 'code generation' },
    { text: 'Translate good morning into Italian', intent: 'translation' },
    { text: 'Translate good night into Italian', intent: 'code generation' },
    { text: 'xqzt vrrp lmnop', intent: null },
    { text: 'whatever', intent: 'no such intent' },
  ];
  const { status, body } = await call(service, 'POST', '/v1/evaluate', { examples });
  expect(status).toBe(200);
  const evaluation = Evaluation.parse(body);
  expect(evaluation).toMatchObject({
    evaluated: 4,
    accuracy: 0.5,
    unknownIntents: ['no such intent'],
    scope: { inScope: 4, outOfScope: 1 },
  });
  expect(evaluation.confusedPairs).toContainEqual(
    expect.objectContaining({ intent: 'code generation', predicted: 'translation', count: 1 }),
  );
});

test('nothing to report on is said, not guessed', async () => {
  await using other = await temporaryDirectory();
  await using empty = await startClassifier(other.path, { STARTER_EXEMPLARS: 'off' });
  const { status, body } = await call(empty, 'GET', '/v1/quality');
  expect(status).toBe(404);
  expect(body.error).toMatchObject({ code: 'no_exemplars' });
  expect(body.error.message).toMatch(/exemplars/);
});
