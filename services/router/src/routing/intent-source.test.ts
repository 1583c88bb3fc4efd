import { describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { deferred } from '../test-support/deferred.js';
import {
  answering,
  classification,
  ScriptedClassifier,
} from '../test-support/scripted-classifier.js';
import { quiet } from '../test-support/test-router.js';
import { IntentSource } from './intent-source.js';

async function source(url: string, cacheSize = 100) {
  const intents = new IntentSource({ url, timeoutMs: 5000, cacheSize, logger: quiet });
  intents.start();
  return { intents, [Symbol.asyncDispose]: () => intents.close() };
}

/** A classifier and a source that follows it. */
async function connected(cacheSize?: number) {
  const classifier = await ScriptedClassifier.start();
  const { intents } = await source(classifier.url, cacheSize);
  await eventually(() => expect(intents.status.connected).toBe(true));
  const from = async (text: string) => (await intents.classify(text)).source;
  return {
    classifier,
    intents,
    from,
    async [Symbol.asyncDispose]() {
      await intents.close();
      await classifier.stop();
    },
  };
}

/** Holds every answer back until it is let go. */
function holdAnswers(classifier: ScriptedClassifier) {
  const gate = deferred<void>();
  classifier.answer = async (prompt, response) => {
    const { version } = classifier;
    await gate.promise;
    response.end(JSON.stringify(classification(prompt, version)));
  };
  return () => {
    gate.resolve();
    classifier.answer = answering(classifier);
  };
}

describe('the cache', () => {
  test('answers repeats', async () => {
    await using the = await connected();
    expect(await the.from('a')).toBe('classifier');
    expect(await the.from('b')).toBe('classifier');
    expect(await the.intents.classify('a')).toMatchObject({
      source: 'cache',
      classification: { intent: 'intent of a' },
    });
    expect(the.classifier.asked).toEqual(['a', 'b']);
    expect(the.intents.status).toMatchObject({ connected: true, indexVersion: 1, cached: 2 });
  });

  test('also those that have no intent', async () => {
    await using the = await connected();
    the.classifier.answer = answering(the.classifier, null);
    expect(await the.from('a')).toBe('classifier');
    expect(await the.from('a')).toBe('cache');
  });

  test('holds for one version only', async () => {
    await using the = await connected();
    await the.from('a');
    the.classifier.change(2);
    await eventually(() => expect(the.intents.status.indexVersion).toBe(2));
    expect(await the.from('a')).toBe('classifier');
    expect(await the.from('a')).toBe('cache');
  });

  test('of an answer that is ahead of the feed holds from when the feed catches up', async () => {
    await using the = await connected();
    the.classifier.version = 5;
    expect(await the.from('a')).toBe('classifier');
    expect(await the.from('a')).toBe('classifier');
    the.classifier.change(5);
    await eventually(() => expect(the.intents.status.indexVersion).toBe(5));
    expect(await the.from('a')).toBe('cache');
  });

  test('is empty once the feed is lost, even where the next one has the same version', async () => {
    await using the = await connected();
    await the.from('a');
    the.classifier.endFeeds();
    await eventually(() => expect(the.intents.status.connected).toBe(false));
    expect(the.intents.status.cached).toBe(0);
    await eventually(() => expect(the.intents.status.connected).toBe(true));
    expect(await the.from('a')).toBe('classifier');
  });

  test('takes nothing while not connected', async () => {
    await using classifier = await ScriptedClassifier.start();
    const open = classifier.onFeed;
    classifier.onFeed = (response) => void response.writeHead(503).end();
    await using the = await source(classifier.url);
    for (let times = 0; times < 2; times++)
      expect((await the.intents.classify('a')).source).toBe('classifier');
    classifier.onFeed = open;
    await eventually(() => expect(the.intents.status.connected).toBe(true));
    expect((await the.intents.classify('a')).source).toBe('classifier');
    expect(classifier.asked).toEqual(['a', 'a', 'a']);
  });

  test('does not take an answer that comes after the loss of the feed it was asked under', async () => {
    await using the = await connected();
    const release = holdAnswers(the.classifier);
    const late = the.from('a');
    await eventually(() => expect(the.classifier.asked).toEqual(['a']));
    the.classifier.endFeeds();
    await eventually(() => expect(the.intents.status.connected).toBe(false));
    await eventually(() => expect(the.intents.status.connected).toBe(true));
    release();
    expect(await late).toBe('classifier');
    expect(the.intents.status.cached).toBe(0);
    expect(await the.from('a')).toBe('classifier');
  });

  test('keeps the newest within its size, and may be off', async () => {
    await using two = await connected(2);
    for (const text of ['a', 'b', 'c']) await two.from(text);
    expect(await two.from('c')).toBe('cache');
    expect(await two.from('b')).toBe('cache');
    expect(await two.from('a')).toBe('classifier');
    await using off = await connected(0);
    expect([await off.from('a'), await off.from('a')]).toEqual(['classifier', 'classifier']);
  });

  test('takes no failures', async () => {
    await using the = await connected();
    the.classifier.answer = (_prompt, response) => void response.writeHead(500).end();
    await expect(the.intents.classify('a')).rejects.toThrow('answered with status 500');
    the.classifier.answer = answering(the.classifier);
    expect(await the.from('a')).toBe('classifier');
  });
});

describe('identical prompts at the same time', () => {
  test('share one call', async () => {
    await using the = await connected();
    const release = holdAnswers(the.classifier);
    const all = Promise.all(['a', 'a', 'b', 'a'].map((text) => the.intents.classify(text)));
    await eventually(() => expect(the.classifier.asked).toHaveLength(2));
    release();
    expect((await all).map(({ classification }) => classification.intent)).toEqual([
      'a',
      'a',
      'b',
      'a',
    ]);
    expect(the.classifier.asked.sort()).toEqual(['a', 'b']);
  });

  test('share its failure, and the next one asks anew', async () => {
    await using the = await connected();
    the.classifier.answer = (_prompt, response) => void response.writeHead(500).end();
    const both = await Promise.allSettled([the.intents.classify('a'), the.intents.classify('a')]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(the.classifier.asked).toEqual(['a']);
    await expect(the.intents.classify('a')).rejects.toThrow();
    expect(the.classifier.asked).toEqual(['a', 'a']);
  });

  test('do not share one that began before a change', async () => {
    await using the = await connected();
    const release = holdAnswers(the.classifier);
    const before = the.intents.classify('a');
    await eventually(() => expect(the.classifier.asked).toEqual(['a']));
    the.classifier.change(2);
    await eventually(() => expect(the.intents.status.indexVersion).toBe(2));
    const after = the.intents.classify('a');
    await eventually(() => expect(the.classifier.asked).toEqual(['a', 'a']));
    release();
    expect((await before).classification.indexVersion).toBe(1);
    expect((await after).classification.indexVersion).toBe(2);
    // Whichever of the two came last, no old answer is taken for a current one.
    expect((await the.intents.classify('a')).classification.indexVersion).toBe(2);
  });
});
