import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const code = 'Write a Python function to sort a list';

test('without the classifier keywords decide, and with it again the classifier does', async () => {
  await using data = await temporaryDirectory();
  const classifier = await startClassifier(data.path);
  await using fleet = await Fleet.start({
    pools: { chat: ['chat'], code: ['code'], fast: ['fast'] },
    settings: {
      routes: { 'code generation': 'code', 'quick question': 'fast' },
      keywords: [
        { pattern: '\\bpython\\b', intent: 'code generation' },
        { maxWords: 3, intent: 'quick question' },
      ],
      default: 'chat',
    },
    classifierUrl: classifier.url,
  });
  const route = async (prompt: string) => {
    const response = await fleet.chat(prompt);
    expect(response.status).toBe(200);
    await response.text();
    const { headers } = response;
    return `${headers.get('x-switchyard-source')} ${headers.get('x-switchyard-pool')}`;
  };
  await eventually(async () => expect(await route(code)).toBe('cache code'));

  await classifier.kill();
  const outcomes = new Set<string>();
  for (let i = 0; i < 20; i++) outcomes.add(await route(code));
  // Whatever was cached is not trusted once the feed is gone, which may take the first requests.
  expect([...outcomes].filter((outcome) => outcome !== 'cache code')).toEqual(['keyword code']);
  expect(await route('yo, what is up')).toBe('default chat');
  expect(await route('good day')).toBe('keyword fast');
  expect((await fleet.status()).classifier).toMatchObject({ connected: false, breaker: 'open' });

  const port = new URL(classifier.url).port;
  await using _again = await startClassifier(data.path, { CLASSIFIER_PORT: port });
  await eventually(async () => expect(await route(code)).toMatch(/^(classifier|cache) code$/));
  await eventually(async () =>
    expect(await route('good day')).toMatch(/^(classifier|cache) fast$/),
  );
  await fleet.allLeasesReturned();
});

test('a classifier that hangs costs a time-out only until the breaker opens', async () => {
  await using data = await temporaryDirectory();
  await using classifier = await startClassifier(data.path);
  await using fleet = await Fleet.start({
    pools: { chat: ['chat'], code: ['code'] },
    settings: {
      routes: { 'code generation': 'code' },
      keywords: [{ pattern: 'python', intent: 'code generation' }],
      default: 'chat',
      classification: { timeoutMs: 250 },
    },
    classifierUrl: classifier.url,
  });
  process.kill(classifier.pid, 'SIGSTOP');
  try {
    const sources = [];
    for (let i = 0; i < 6; i++) {
      const response = await fleet.chat(`python question number ${i}`);
      await response.text();
      sources.push(response.headers.get('x-switchyard-source'));
    }
    expect(sources).toEqual(Array(6).fill('keyword'));
    const answer = await fleet.post('/route', { prompt: 'another python question' });
    expect(await answer.json()).toMatchObject({
      source: 'keyword',
      reason: expect.stringMatching(/breaker open|being tried again|did not answer/),
    });
    expect((await fleet.status()).classifier.breaker).not.toBe('closed');
  } finally {
    process.kill(classifier.pid, 'SIGCONT');
  }
  await eventually(async () => {
    const response = await fleet.chat('Write a Python function to sort a list');
    await response.text();
    expect(response.headers.get('x-switchyard-source')).toMatch(/^(classifier|cache)$/);
  });
});
