import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { TalliedCounter } from './tallied-counter.js';

test('what was counted is there at every scrape, once', async () => {
  const registry = new Registry();
  const counter = new TalliedCounter({
    name: 'requests_total',
    help: 'Requests.',
    labelNames: ['pool', 'status'],
    registers: [registry],
  });
  counter.inc({ pool: 'a', status: 200 });
  counter.inc({ status: 200, pool: 'a' });
  counter.inc({ pool: 'a', status: 500 }, 3);
  const values = async () =>
    (await registry.getSingleMetric('requests_total')?.get())?.values.map(({ labels, value }) => [
      labels,
      value,
    ]);
  const expected = [
    [{ pool: 'a', status: 200 }, 2],
    [{ pool: 'a', status: 500 }, 3],
  ];
  expect(await values()).toEqual(expected);
  expect(await values()).toEqual(expected);
  counter.inc({ pool: 'a', status: 500 });
  expect((await values())?.[1]).toEqual([{ pool: 'a', status: 500 }, 4]);
});

test('values that run into each other are told apart', async () => {
  const registry = new Registry();
  const counter = new TalliedCounter({
    name: 'odd_total',
    help: 'Odd.',
    labelNames: ['a', 'b'],
    registers: [registry],
  });
  counter.inc({ a: 'xy', b: 'z' });
  counter.inc({ a: 'x', b: 'yz' });
  expect((await registry.getSingleMetric('odd_total')?.get())?.values).toHaveLength(2);
});
