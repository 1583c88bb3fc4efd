import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Embedder } from './embedder.js';
import { fewAtATime } from './few-at-a-time.js';

const twoWorkers = { parallelism: 2 } as Embedder;

test('keeps the order and never runs more than one beyond the workers', async () => {
  let running = 0;
  let most = 0;
  const results = await fewAtATime(twoWorkers, [5, 1, 4, 2, 3, 0], async (turns) => {
    most = Math.max(most, ++running);
    for (let turn = 0; turn < turns; turn++) await setImmediate();
    running--;
    return turns * 10;
  });
  expect(results).toEqual([50, 10, 40, 20, 30, 0]);
  expect(most).toBe(3);
});

test('starts nothing more after a failure', async () => {
  const started: number[] = [];
  const failing = fewAtATime(twoWorkers, [0, 1, 2, 3, 4, 5, 6, 7], async (item) => {
    started.push(item);
    await setImmediate();
    if (item === 1) throw new Error('broken');
  });
  await expect(failing).rejects.toThrow('broken');
  for (let turn = 0; turn < 5; turn++) await setImmediate();
  expect(started).not.toContain(7);
});
