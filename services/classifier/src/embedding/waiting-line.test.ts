import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { EmbedOptions } from './embedder.js';
import { WaitingLine } from './waiting-line.js';

/** One worker, a record of what it started, and the power to finish what it is at. */
function oneWorker(limit = 100) {
  const line = new WaitingLine(1, limit);
  const started: string[] = [];
  let finish = () => {};
  const enter = (name: string, options?: EmbedOptions) =>
    line.run(async () => {
      started.push(name);
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return name;
    }, options);
  const finishOne = async () => {
    finish();
    await setImmediate();
  };
  return { enter, started, finishOne };
}

test('texts go in order', async () => {
  const { enter, started, finishOne } = oneWorker();
  const all = ['first', 'second', 'third'].map((name) => enter(name));
  for (const _ of all) await finishOne();
  expect(started).toEqual(['first', 'second', 'third']);
  expect(await Promise.all(all)).toEqual(['first', 'second', 'third']);
});

test('a text that waits is dropped when its client leaves, and its place is free at once', async () => {
  const { enter, started, finishOne } = oneWorker(2);
  const client = new AbortController();
  const running = enter('running');
  const left = [1, 2].map((n) => enter(`left ${n}`, { signal: client.signal }));
  await expect(enter('too many')).rejects.toMatchObject({ code: 'overloaded' });
  client.abort();
  for (const text of left) await expect(text).rejects.toMatchObject({ name: 'AbortError' });
  await expect(enter('late', { signal: client.signal })).rejects.toMatchObject({
    name: 'AbortError',
  });
  const next = enter('next');
  await finishOne();
  await finishOne();
  expect(await Promise.all([running, next])).toEqual(['running', 'next']);
  expect(started).toEqual(['running', 'next']);
});

test('a text that runs keeps its worker to the end, also when its client has left', async () => {
  const { enter, started, finishOne } = oneWorker();
  const client = new AbortController();
  const running = enter('running', { signal: client.signal });
  const next = enter('next');
  client.abort();
  await setImmediate();
  expect(started).toEqual(['running']);
  await finishOne();
  await finishOne();
  expect(await Promise.all([running, next])).toEqual(['running', 'next']);
});

test('closes when what runs is done, and starts nothing more', async () => {
  const line = new WaitingLine(1, 2);
  const order: string[] = [];
  let finish = () => {};
  const running = line.run(async () => {
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    order.push('done');
  });
  const refused = expect(line.run(async () => order.push('late'))).rejects.toMatchObject({
    status: 503,
  });
  const closed = line.close().then(() => order.push('closed'));
  await setImmediate();
  expect(order).toEqual([]);
  finish();
  await Promise.all([running, closed]);
  await setImmediate();
  expect(order).toEqual(['done', 'closed']);
  await refused;
  await expect(line.run(async () => order.push('later'))).rejects.toMatchObject({ status: 503 });
});

test('a failure frees the worker', async () => {
  const line = new WaitingLine(1, 1);
  const failing = line.run(async () => {
    throw new Error('the worker died');
  });
  await expect(failing).rejects.toThrow('the worker died');
  expect(await line.run(async () => 'next')).toBe('next');
});

test('a worker has so many more texts in its inbox', async () => {
  const line = new WaitingLine(2, 100, 1);
  const finish: (() => void)[] = [];
  const all = Array.from({ length: 5 }, () =>
    line.run(() => new Promise<void>((resolve) => finish.push(resolve))),
  );
  expect(finish).toHaveLength(4);
  for (const _ of all) {
    finish.shift()?.();
    await setImmediate();
  }
  await Promise.all(all);
  expect(line.isIdle).toBe(true);
});

test('is idle only when nothing runs and nothing waits', async () => {
  const line = new WaitingLine(1, 100);
  expect(line.isIdle).toBe(true);
  const running = line.run(() => setImmediate());
  expect(line.isIdle).toBe(false);
  await running;
  expect(line.isIdle).toBe(true);
});
