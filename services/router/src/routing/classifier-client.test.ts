import { describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { deferred } from '../test-support/deferred.js';
import {
  answering,
  classification,
  ScriptedClassifier,
} from '../test-support/scripted-classifier.js';
import { closedPort } from '../test-support/servers.js';
import { ClassifierClient, ClassifierUnavailable } from './classifier-client.js';

/** A client that waits long enough for every answer that comes, unless told otherwise. */
function asking(url: string, timeoutMs = 5000) {
  const client = new ClassifierClient(url, timeoutMs);
  return { client, [Symbol.asyncDispose]: () => client.close() };
}

async function whyNot(answer: Promise<unknown>): Promise<string> {
  const error: unknown = await answer.then(
    () => new Error('did answer'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ClassifierUnavailable);
  return String((error as Error).message);
}

test('asks for the text and gives the classification', async () => {
  await using classifier = await ScriptedClassifier.start();
  await using asked = asking(classifier.url);
  classifier.answer = answering(classifier, 'greeting');
  expect(await asked.client.classify('hällo')).toEqual(classification('greeting'));
  expect(classifier.asked).toEqual(['hällo']);
  expect(asked.client.breaker).toBe('closed');
});

test('a base path of the classifier is kept', async () => {
  await using classifier = await ScriptedClassifier.start();
  await using asked = asking(`${classifier.url}/behind/a/proxy`);
  await asked.client.classify('x');
  expect(classifier.asked).toEqual(['x']);
});

describe('no classification from one that', () => {
  test.each<[string, ScriptedClassifier['answer'], string]>([
    ['is slow', () => {}, 'did not answer within 50 ms'],
    [
      'is slow in the middle',
      (_prompt, response) => void response.write('{"intent":'),
      'did not answer within 50 ms',
    ],
    [
      'fails',
      (_prompt, response) => void response.writeHead(500).end('no'),
      'answered with status 500',
    ],
    [
      'is not ready',
      (_prompt, response) => void response.writeHead(503).end(),
      'answered with status 503',
    ],
    ['hangs up', (_prompt, response) => void response.socket?.destroy(), 'cannot be reached'],
    ['talks nonsense', (_prompt, response) => void response.end('<html>'), 'gave no valid answer'],
    [
      'talks about something else',
      (_prompt, response) => void response.end('{"intent":7}'),
      'gave no valid answer',
    ],
    [
      'names an impossible intent',
      (_prompt, response) => void response.end(JSON.stringify(classification('a\nb'))),
      'gave no valid answer',
    ],
  ])('%s', async (_what, answer, why) => {
    await using classifier = await ScriptedClassifier.start();
    classifier.answer = answer;
    await using asked = asking(classifier.url, 50);
    expect(await whyNot(asked.client.classify('x'))).toBe(why);
  });

  test('is not there', async () => {
    await using asked = asking(`http://127.0.0.1:${await closedPort()}`);
    expect(await whyNot(asked.client.classify('x'))).toBe('cannot be reached');
  });
});

describe('the breaker', () => {
  test('opens after three failures in a row; then nobody is asked, and nobody waits', async () => {
    await using classifier = await ScriptedClassifier.start();
    classifier.answer = () => {};
    await using asked = asking(classifier.url, 50);
    for (let failures = 1; failures <= 3; failures++) {
      expect(asked.client.breaker).toBe('closed');
      expect(await whyNot(asked.client.classify('x'))).toBe('did not answer within 50 ms');
    }
    expect(asked.client.breaker).toBe('open');
    const answers = Array.from({ length: 20 }, () => whyNot(asked.client.classify('y')));
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['is down (breaker open)']));
    expect(classifier.asked).toEqual(['x', 'x', 'x']);
  });

  test('stays closed when failures are not in a row', async () => {
    await using classifier = await ScriptedClassifier.start();
    await using asked = asking(classifier.url);
    for (let round = 0; round < 3; round++) {
      classifier.answer = (_prompt, response) => void response.writeHead(500).end();
      for (let failures = 0; failures < 2; failures++) await whyNot(asked.client.classify('x'));
      classifier.answer = answering(classifier);
      await asked.client.classify('x');
    }
    expect(asked.client.breaker).toBe('closed');
  });

  test('lets one try after a while; the others are told at once; it closes when that works', async () => {
    await using classifier = await ScriptedClassifier.start();
    await using asked = asking(classifier.url);
    classifier.answer = (_prompt, response) => void response.writeHead(500).end();
    for (let failures = 0; failures < 3; failures++) await whyNot(asked.client.classify('x'));
    const trial = deferred<void>();
    classifier.answer = async (prompt, response) => {
      await trial.promise;
      await answering(classifier)(prompt, response);
    };
    // Whoever comes first after the pause is the trial.
    const answers: Promise<unknown>[] = [];
    await eventually(() => {
      answers.push(asked.client.classify('trial').catch((error: Error) => error.message));
      expect(asked.client.breaker).toBe('half-open');
    });
    expect(await whyNot(asked.client.classify('other'))).toBe('is being tried again');
    await eventually(() => expect(classifier.asked).toEqual(['x', 'x', 'x', 'trial']));
    trial.resolve();
    expect((await Promise.all(answers)).at(-1)).toEqual(classification('intent of trial'));
    expect(asked.client.breaker).toBe('closed');
    expect(await asked.client.classify('y')).toEqual(classification('intent of y'));
  });

  test('opens again when the trial fails', async () => {
    await using classifier = await ScriptedClassifier.start();
    await using asked = asking(classifier.url);
    classifier.answer = (_prompt, response) => void response.writeHead(500).end();
    for (let failures = 0; failures < 3; failures++) await whyNot(asked.client.classify('x'));
    for (let trials = 1; trials <= 2; trials++) {
      await eventually(async () =>
        expect(await whyNot(asked.client.classify('x'))).toBe('answered with status 500'),
      );
      expect(asked.client.breaker).toBe('open');
      expect(classifier.asked).toHaveLength(3 + trials);
    }
  });

  test('a classifier that was dead and is back is used again', async () => {
    await using classifier = await ScriptedClassifier.start();
    await using asked = asking(classifier.url);
    await classifier.stop();
    for (let failures = 0; failures < 3; failures++)
      expect(await whyNot(asked.client.classify('x'))).toBe('cannot be reached');
    expect(asked.client.breaker).toBe('open');
    await classifier.listen();
    const { result } = await eventually(() => asked.client.classify('back'));
    expect(result.intent).toBe('intent of back');
  });
});
