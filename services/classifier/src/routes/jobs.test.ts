import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Job } from '@switchyard/contracts';
import express from 'express';
import { expect, test } from 'vitest';
import { events } from '../../../../test/support/classifier-client.js';
import type { Engine } from '../engine.js';
import type { JobQueue } from '../ingestion/job-queue.js';
import { jobRoutes } from './jobs.js';

const failed = Array.from({ length: 1000 }, (_, n) => ({ line: n + 1, error: 'not valid JSON' }));
const at = (done: number, state: Job['state'] = 'running'): Job => ({
  id: 'job',
  state,
  total: 10_000,
  done,
  added: 0,
  duplicates: 0,
  rejected: 1000,
  failed,
});

/** The events of a job that goes through these states all at once. */
async function eventsOf(states: readonly Job[]): Promise<Job[]> {
  const jobs: Pick<JobQueue, 'get' | 'watch'> = {
    get: async () => states[0],
    watch: (_, onUpdate) => {
      for (const job of states) onUpdate(job);
      return () => undefined;
    },
  };
  const app = express().use(jobRoutes(() => ({ jobs }) as Engine, new AbortController().signal));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const seen: Job[] = [];
  for await (const job of events({ url }, '/v1/jobs/job/events')) seen.push(job);
  server.close();
  return seen;
}

test.each(['completed', 'failed'] as const)(
  'what failed comes once, when it is %s',
  async (end) => {
    const seen = await eventsOf([at(0), at(64), at(128, end)]);
    expect(seen).toEqual([{ ...at(0), failed: [] }, { ...at(64), failed: [] }, at(128, end)]);
  },
);

test('a reader that is behind misses states in between, and never the last', async () => {
  const seen = await eventsOf([
    ...Array.from({ length: 10_000 }, (_, n) => at(n)),
    at(10_000, 'completed'),
  ]);
  expect(seen[0]?.done).toBe(0);
  expect(seen.at(-1)).toEqual(at(10_000, 'completed'));
  expect(seen.length).toBeLessThan(1000);
});
