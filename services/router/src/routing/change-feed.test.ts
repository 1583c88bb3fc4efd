import { describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { ScriptedClassifier } from '../test-support/scripted-classifier.js';
import { quiet } from '../test-support/test-router.js';
import { ChangeFeed } from './change-feed.js';

function following(url: string) {
  const lost: string[] = [];
  const feed = new ChangeFeed(url, quiet, () => lost.push('lost'));
  feed.start();
  return { feed, lost, [Symbol.asyncDispose]: () => feed.close() };
}

const versionBecomes = ({ feed }: { feed: ChangeFeed }, version: number | undefined) =>
  eventually(() => expect(feed.version).toBe(version));

test('knows the version at once and after every change', async () => {
  await using classifier = await ScriptedClassifier.start();
  classifier.version = 41;
  await using followed = following(classifier.url);
  expect(followed.feed.version).toBeUndefined();
  await versionBecomes(followed, 41);
  classifier.change(42);
  await versionBecomes(followed, 42);
  // A version may go down: another classifier, another count.
  classifier.tell(
    ': alive\n\nid: 7\r\nevent: message\r\ndata: {"indexVersion":\r\ndata: 3}\r\n\r\n',
  );
  await versionBecomes(followed, 3);
  expect(followed.lost).toEqual([]);
});

test('an event may come in pieces', async () => {
  await using classifier = await ScriptedClassifier.start();
  await using followed = following(classifier.url);
  await versionBecomes(followed, 1);
  for (const piece of ['da', 'ta: {"indexVer', 'sion":', '9', '}\n']) classifier.tell(piece);
  classifier.tell('\n');
  await versionBecomes(followed, 9);
});

test('loses the version with the connection, and finds it again', async () => {
  await using classifier = await ScriptedClassifier.start();
  await using followed = following(classifier.url);
  await versionBecomes(followed, 1);
  await classifier.stop();
  await versionBecomes(followed, undefined);
  expect(followed.lost).toEqual(['lost']);
  classifier.version = 7;
  await classifier.listen();
  await versionBecomes(followed, 7);
  expect(followed.lost).toEqual(['lost']);
});

describe('a feed that does not work is asked for again', () => {
  test.each<[string, (classifier: ScriptedClassifier) => void]>([
    ['ended', (classifier) => classifier.endFeeds()],
    ['no JSON', (classifier) => classifier.tell('data: hello\n\n')],
    ['another shape', (classifier) => classifier.tell('data: {"version":1}\n\n')],
    [
      'an event without an end',
      (classifier) => classifier.tell(`data: ${'x'.repeat(1024 * 1024)}`),
    ],
    [
      'an event of many lines without an end',
      (classifier) => classifier.tell(`data: ${'x'.repeat(1000)}\n`.repeat(1000)),
    ],
  ])('%s', async (_what, break_) => {
    await using classifier = await ScriptedClassifier.start();
    await using followed = following(classifier.url);
    await versionBecomes(followed, 1);
    classifier.version = 2;
    break_(classifier);
    await versionBecomes(followed, 2);
    expect(followed.lost).toEqual(['lost']);
    expect(classifier.feedsOpened).toBe(2);
    await eventually(() => expect(classifier.connections).toBe(1));
  });

  test('an error with a body that does not end', async () => {
    await using classifier = await ScriptedClassifier.start();
    const open = classifier.onFeed;
    classifier.onFeed = (response) => {
      if (classifier.feedsOpened > 2) open(response);
      else response.writeHead(503).write('not yet '.repeat(100_000));
    };
    await using followed = following(classifier.url);
    await versionBecomes(followed, 1);
    expect(followed.lost).toEqual([]);
    await eventually(() => expect(classifier.connections).toBe(1));
  });
});

test('a classifier that is stopped, not gone, is lost after a silence', async () => {
  await using classifier = await ScriptedClassifier.start();
  await using followed = following(classifier.url);
  await versionBecomes(followed, 1);
  // No heartbeat comes from this one.
  await versionBecomes(followed, undefined);
  expect(followed.lost).toEqual(['lost']);
});

test('close ends it, connected or not', async () => {
  await using classifier = await ScriptedClassifier.start();
  const connected = following(classifier.url);
  await versionBecomes(connected, 1);
  await connected.feed.close();
  expect(connected.feed.version).toBeUndefined();
  await eventually(() => expect(classifier.connections).toBe(0));
  await classifier.stop();
  const unconnected = following(classifier.url);
  await unconnected.feed.close();
});
