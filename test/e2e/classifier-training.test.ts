import { expect, test } from 'vitest';
import { call, classify, trained } from '../support/classifier-client.js';
import { eventually } from '../support/eventually.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const EMPTY = { STARTER_EXEMPLARS: 'off' };
const INTENTS: Record<string, string[]> = {
  'card lost': [
    'I lost my credit card',
    'my debit card was stolen on the bus',
    'I cannot find my bank card anywhere, block it',
    'someone took my purse with the card in it',
    'please freeze my card, I left it in a taxi',
    'report a missing card',
  ],
  balance: [
    'how much money is in my account',
    'what is my current balance',
    'show me what I have left this month',
    'do I have enough on my checking account for rent',
    'tell me the balance of my savings',
    'how much cash do I still have at the bank',
  ],
  weather: [
    'is it going to rain tomorrow',
    'what is the weather like in Oslo',
    'do I need an umbrella today',
    'how hot will it be this weekend',
    'any snow expected tonight',
    'weather forecast for Friday please',
  ],
};
const PROMPTS = [
  'my visa card has gone missing',
  'how much do I have on my account right now',
  'will there be a storm on Sunday',
  'prove that the square root of two is irrational',
];
const lines = Object.entries(INTENTS).flatMap(([intent, texts]) =>
  texts.map((text) => JSON.stringify({ intent, text })),
);

type Service = Awaited<ReturnType<typeof startClassifier>>;

async function load(service: Service, ndjson: readonly string[]) {
  const { body } = await call(service, 'POST', '/v1/import', ndjson.join('\n'));
  await eventually(async () => {
    const { body: job } = await call(service, 'GET', `/v1/jobs/${body.job.id}`);
    expect(job.state).toBe('completed');
  }, 60_000);
}

async function answers(service: Service) {
  const found = [];
  for (const text of PROMPTS) found.push(await classify(service, text));
  return found;
}

test('two processes with the same exemplars answer alike, whatever the order they came in', async () => {
  await using one = await temporaryDirectory();
  await using two = await temporaryDirectory();
  await using here = await startClassifier(one.path, EMPTY);
  await using there = await startClassifier(two.path, EMPTY);
  await load(here, lines);
  // The other way round, in two steps, with something that is gone again.
  await load(there, [...lines].reverse().slice(0, 7));
  await load(there, [JSON.stringify({ intent: 'gone', text: 'nobody will know' })]);
  await call(there, 'DELETE', '/v1/intents/gone');
  await load(there, [...lines].reverse());
  await trained(there);
  const [a, b] = [await answers(here), await answers(there)];
  for (const [i, answer] of a.entries()) {
    expect(b[i]?.intent).toBe(answer.intent);
    expect(Math.abs((b[i]?.confidence ?? 0) - answer.confidence)).toBeLessThan(0.01);
    expect(Math.abs((b[i]?.scopeScore ?? 0) - answer.scopeScore)).toBeLessThan(0.01);
  }
  expect(a.map(({ intent }) => intent)).toEqual(['card lost', 'balance', 'weather', null]);
});

test('a restart serves the trained head at once, and trains nothing', async () => {
  await using directory = await temporaryDirectory();
  let service = await startClassifier(directory.path, EMPTY);
  await load(service, lines);
  const before = await answers(service);
  await service.kill();
  service = await startClassifier(directory.path, EMPTY);
  expect(await answers(service)).toEqual(before);
  expect((await call(service, 'GET', '/v1/quality')).body).toMatchObject({ current: true });
  expect(service.log.filter(({ msg }) => msg === 'trained')).toEqual([]);
  await service[Symbol.asyncDispose]();
});

test('a removal counts in the next answer, also of an intent as a whole', async () => {
  await using directory = await temporaryDirectory();
  await using service = await startClassifier(directory.path, EMPTY);
  await load(service, lines);
  const text = 'is it going to rain tomorrow';
  expect(await classify(service, text)).toMatchObject({ intent: 'weather', inScope: true });
  await call(service, 'DELETE', '/v1/intents/weather');
  const after = await classify(service, text);
  expect(after.alternatives.map(({ intent }) => intent)).not.toContain('weather');
  expect(after.intent).not.toBe('weather');
  await call(service, 'POST', '/v1/intents/rain/exemplars', { texts: [text] });
  expect(await classify(service, text)).toMatchObject({ intent: 'rain', inScope: true });
});

test('alpha, and a threshold of one intent, say what is out of scope', async () => {
  await using directory = await temporaryDirectory();
  let service = await startClassifier(directory.path, EMPTY);
  await load(service, lines);
  const prompt = 'my visa card has gone missing';
  const { scopeScore, confidence } = await classify(service, prompt);
  const inScope = async () => {
    const answer = await classify(service, prompt);
    // What is in scope is one thing, how sure the best guess is another.
    expect(answer).toMatchObject({ scopeScore, confidence });
    expect(answer.intent).toBe(answer.inScope ? 'card lost' : null);
    return answer.inScope;
  };
  const put = (path: string, body: unknown) => call(service, 'PUT', path, body);
  expect(await inScope()).toBe(true);
  expect((await put('/v1/settings', { alpha: 1 })).body).toEqual({ alpha: 1 });
  expect(await inScope()).toBe(scopeScore >= 1);
  await put('/v1/intents/card%20lost', { threshold: 0 });
  expect(await inScope()).toBe(true);
  await put('/v1/settings', { alpha: 0 });
  await put('/v1/intents/card%20lost', { threshold: 1000 });
  expect(await inScope()).toBe(false);

  await service.kill();
  service = await startClassifier(directory.path, EMPTY);
  expect((await call(service, 'GET', '/v1/settings')).body).toEqual({ alpha: 0 });
  expect(await inScope()).toBe(false);
  await put('/v1/intents/card%20lost', { threshold: null });
  expect(await inScope()).toBe(true);
  await service[Symbol.asyncDispose]();
});
