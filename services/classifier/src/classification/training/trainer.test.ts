import { createLogger } from '@switchyard/service-kit';
import { expect, test } from 'vitest';
import { eventually } from '../../../../../test/support/eventually.js';
import { temporaryDirectory } from '../../../../../test/support/temporary-directory.js';
import type { Embedder } from '../../embedding/embedder.js';
import { Catalog } from '../../exemplars/catalog.js';
import { type Claim, soleClaim } from '../../exemplars/claim.js';
import { EmbeddedExemplarStore } from '../../exemplars/embedded-exemplar-store.js';
import { exemplarId, type StoredExemplar } from '../../exemplars/exemplar.js';
import { encodeHead } from '../head-codec.js';
import { loadObjective } from './head-objective.js';
import { loadNearest } from './nearest-rows.js';
import { around, DIMENSIONS } from './test-support/clusters.js';
import { trainHead } from './train-head.js';
import { Trainer } from './trainer.js';
import type { TrainingRequest } from './training-child.js';

/** Trains in this process, when it is let, and fails when it is told to. */
class Child {
  trained = 0;
  fails = 0;
  closed = false;
  interrupted = 0;
  #held: (() => void)[] = [];
  #failing: ((error: Error) => void)[] = [];
  holding = false;

  constructor(private readonly store: () => EmbeddedExemplarStore) {}

  async train({ source: _, ...task }: TrainingRequest) {
    const version = this.store().version;
    const exemplars: StoredExemplar[] = [];
    for await (const exemplar of this.store().exemplars()) exemplars.push(exemplar);
    if (this.holding)
      await new Promise<void>((resolve, reject) => {
        this.#held.push(resolve);
        this.#failing.push(reject);
      });
    if (this.fails-- > 0) throw new Error('no memory left');
    const sessions = { objective: await loadObjective(), nearest: await loadNearest() };
    const head = await trainHead(sessions, { ...task, version, exemplars });
    this.trained++;
    return { trainedOn: version, bytes: encodeHead(head) };
  }

  release() {
    this.holding = false;
    for (const go of this.#held.splice(0)) go();
  }

  get waiting() {
    return this.#held.length;
  }

  interrupt() {
    this.interrupted++;
    for (const fail of this.#failing.splice(0)) fail(new Error('interrupted'));
  }

  close() {
    this.closed = true;
    this.release();
  }
}

async function setUp(directory: string) {
  const store = await EmbeddedExemplarStore.open({
    directory,
    modelDigest: 'model',
    maxIntents: 100,
  });
  const catalog = await Catalog.follow(store, { dimensions: DIMENSIONS, modelDigest: 'model' });
  const child = new Child(() => store);
  const embedder = {
    dimensions: DIMENSIONS,
    modelDigest: 'model',
    parallelism: 1,
    embed: async (text: string) => ({ vector: around(text.length % DIMENSIONS, 0), tokens: 1 }),
  } as Partial<Embedder> as Embedder;
  const logger = createLogger('test', 'silent');
  const trainer = new Trainer({ catalog, store, embedder, child, logger });
  let count = 0;
  return {
    store,
    catalog,
    child,
    trainer,
    add: (intent: string, label: number, several = 3) =>
      store.add(
        Array.from({ length: several }, () => {
          const text = `${intent} ${count++}`;
          return { id: exemplarId(text), intent, text, vector: around(label, count) };
        }),
        'reject',
      ),
    async [Symbol.asyncDispose]() {
      child.release();
      await trainer.close();
      await catalog.close();
      await store.close();
    },
  };
}

test('learns what changed, once for changes in a row, and serves it', async () => {
  await using directory = await temporaryDirectory();
  await using set = await setUp(directory.path);
  const { catalog, child, trainer, store } = set;
  expect(catalog.isTrained).toBe(true);
  expect(trainer.isBusy).toBe(false);
  for (let n = 0; n < 5; n++) await set.add(`intent-${n}`, n);
  const version = store.version;
  expect(catalog.isTrained).toBe(false);
  await trainer.settled(version);
  expect(catalog.scoring.head).toMatchObject({ trainedOn: version });
  expect(catalog.scoring.head?.intents).toHaveLength(5);
  expect(child.trained).toBe(1);
});

test('additions that go on during a training are told of as one', async () => {
  await using directory = await temporaryDirectory();
  await using set = await setUp(directory.path);
  const { catalog, child, trainer, store } = set;
  await set.add('first', 1);
  await trainer.settled(store.version);
  expect(catalog.scoring.head?.report.since).toBeNull();
  const before = catalog.scoring.head?.trainedOn;

  child.holding = true;
  await set.add('second', 2);
  await eventually(() => expect(child.waiting).toBe(1));
  await set.add('third', 3);
  child.release();
  await trainer.settled(store.version);
  const since = () => catalog.scoring.head?.report.since;
  expect(since()).toMatchObject({ trainedOn: before, exemplars: 3, change: { exemplars: 6 } });

  await set.add('fourth', 4);
  await trainer.settled(store.version);
  expect(since()).toMatchObject({ exemplars: 9, change: { exemplars: 3 } });
});

test('a change during training is learned next; nobody waits for it who did not ask', async () => {
  await using directory = await temporaryDirectory();
  await using set = await setUp(directory.path);
  const { catalog, child, trainer, store } = set;
  child.holding = true;
  await set.add('first', 1);
  const first = store.version;
  await eventually(() => expect(child.waiting).toBe(1));
  await set.add('second', 2);
  const second = store.version;
  child.release();
  await trainer.settled(first);
  expect(catalog.scoring.head?.trainedOn).toBe(first);
  expect(catalog.isTrained).toBe(false);
  await trainer.settled(second);
  expect(catalog.scoring.head?.trainedOn).toBeGreaterThanOrEqual(second);
  expect(catalog.isTrained).toBe(true);
});

test('a description is learned, too; a threshold needs no training', async () => {
  await using directory = await temporaryDirectory();
  await using set = await setUp(directory.path);
  const { catalog, child, trainer, store } = set;
  await set.add('first', 1);
  await trainer.settled(store.version);
  await store.putIntent('first', { threshold: 0.5 });
  expect(catalog.isTrained).toBe(true);
  await store.putIntent('first', { description: 'comes before the second' });
  expect(catalog.isTrained).toBe(false);
  await trainer.settled(store.version);
  expect(child.trained).toBe(2);
});

test('what was added and removed again needs no training', async () => {
  await using directory = await temporaryDirectory();
  await using set = await setUp(directory.path);
  const { catalog, child, trainer, store } = set;
  await set.add('first', 1);
  await trainer.settled(store.version);
  child.holding = true;
  const { added } = await set.add('first', 1, 1);
  await store.remove('first', added[0]?.id ?? '');
  await trainer.settled(store.version);
  expect(catalog.isTrained).toBe(true);
  await store.deleteIntent('first');
  expect(catalog.isTrained).toBe(true);
  expect(catalog.size).toBe(0);
});

test('a training that fails is tried again', async () => {
  await using directory = await temporaryDirectory();
  await using set = await setUp(directory.path);
  const { child, trainer, store } = set;
  child.fails = 1;
  await set.add('first', 1);
  await trainer.settled(store.version);
  expect(child.trained).toBe(1);
});

test('when it keeps failing, those who wait are told', async () => {
  await using directory = await temporaryDirectory();
  await using set = await setUp(directory.path);
  const { child, trainer, store } = set;
  child.fails = 3;
  await set.add('first', 1);
  await expect(trainer.settled(store.version)).rejects.toThrow('could not be trained');
}, 15_000);

test('who stops waiting, and who waits when it ends, is not left hanging', async () => {
  await using directory = await temporaryDirectory();
  await using set = await setUp(directory.path);
  const { child, trainer, store } = set;
  child.holding = true;
  await set.add('first', 1);
  await expect(trainer.settled(store.version, AbortSignal.timeout(20))).rejects.toThrow('timeout');
  const left = expect(trainer.settled(store.version)).rejects.toThrow('stopping');
  await eventually(() => expect(child.waiting).toBe(1));
  await trainer.close();
  await left;
  expect(child.closed).toBe(true);
});

test('while another replica trains it waits, and takes over what that one learned', async () => {
  await using directory = await temporaryDirectory();
  await using set = await setUp(directory.path);
  const { child, trainer, store } = set;
  let asked = 0;
  store.claim = async () => {
    asked++;
    return undefined as unknown as Claim;
  };
  await set.add('first', 1);
  await eventually(() => expect(asked).toBeGreaterThan(2));
  expect(child.trained).toBe(0);
  const { source } = store;
  const about = new Map();
  const task = { source, modelDigest: 'model', dimensions: DIMENSIONS, about, before: undefined };
  const theirs = await child.train(task);
  // Names are learned from, too: with another digest of what is said, it would be trained again.
  await store.putHead(theirs);
  store.claim = async () => soleClaim();
  await trainer.settled(store.version);
  expect(set.catalog.isTrained).toBe(true);
});

test('a store that is away is waited for, and fails nobody', async () => {
  await using directory = await temporaryDirectory();
  await using set = await setUp(directory.path);
  const { trainer, store } = set;
  let away = 4;
  store.claim = async () => {
    if (away-- > 0) throw new Error('Redis is away');
    return soleClaim();
  };
  const caughtUp = store.caughtUp.bind(store);
  store.caughtUp = async () => {
    if (away > 0) throw new Error('Redis is away');
    return caughtUp();
  };
  await set.add('first', 1);
  await trainer.settled(store.version);
  expect(away).toBe(-1);
});

test('a claim that is lost ends that training, not those to come', async () => {
  await using directory = await temporaryDirectory();
  await using set = await setUp(directory.path);
  const { child, trainer, store } = set;
  const lost = new AbortController();
  const claim = store.claim.bind(store);
  store.claim = async () => ({ lost: lost.signal, release: async () => undefined });
  child.holding = true;
  await set.add('first', 1);
  await eventually(() => expect(child.waiting).toBe(1));
  store.claim = claim;
  child.holding = false;
  lost.abort();
  await trainer.settled(store.version);
  expect(child.interrupted).toBe(1);
  expect(child.trained).toBe(1);
});
