import type { ServerResponse } from 'node:http';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deferred } from '../test-support/deferred.js';
import { RunningRequests } from './running-requests.js';

const response = () => ({ headersSent: false, shouldKeepAlive: true }) as ServerResponse;

test('whatever the order in which they end, those that run are known and no others', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(), { maxLength: 12 }), async (ends) => {
      const running = new RunningRequests();
      const all = ends.map(() => ({ response: response(), work: deferred<void>() }));
      const tracked = all.map((one) => running.track(one.response, one.work.promise));
      const left = [...all];
      for (const end of ends.slice(0, Math.ceil(ends.length / 2))) {
        const [ended] = left.splice(end % left.length, 1);
        ended?.work.resolve();
      }
      await new Promise(setImmediate);
      running.closeConnections();
      for (const one of all) expect(one.response.shouldKeepAlive).toBe(!left.includes(one));
      let isOver = false;
      const over = running.ended().then(() => {
        isOver = true;
      });
      await new Promise(setImmediate);
      expect(isOver).toBe(left.length === 0);
      for (const { work } of left) work.resolve();
      await Promise.all([over, ...tracked]);
    }),
  );
});

test('one that fails has ended as well, and says so to who tracks it', async () => {
  const running = new RunningRequests();
  const work = deferred<void>();
  const tracked = running.track(response(), work.promise);
  work.reject(new Error('broken'));
  await expect(tracked).rejects.toThrow('broken');
  await running.ended();
});
