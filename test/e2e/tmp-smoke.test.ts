import { expect, test } from 'vitest';
import { call, classify } from '../support/classifier-client.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
test('smoke', async () => {
  await using redis = await RedisServer.start({ appendOnly: true });
  await using a = await temporaryDirectory();
  await using b = await temporaryDirectory();
  const [one, two] = await Promise.all([a, b].map(({ path }) => startClassifier(path, { REDIS_URL: redis.url })));
  console.log((await call(one!, 'GET', '/ready')).body, (await call(two!, 'GET', '/ready')).body);
  const t = performance.now();
  const r = await call(one!, 'POST', '/v1/intents/refunds/exemplars', { texts: ['I want my money back', 'refund me'] });
  console.log(r.status, r.body, performance.now() - t);
  const { tookMs } = await eventually(async () => expect((await classify(two!, 'refund me')).intent).toBe('refunds'));
  console.log('other', tookMs);
  const lines = Array.from({ length: 5000 }, (_, n) => JSON.stringify({ intent: `i${n % 20}`, text: `text number ${n} about topic ${n % 20}` })).join('\n');
  const t2 = performance.now();
  const job = await call(two!, 'POST', '/v1/import', lines);
  console.log(job.status, job.body, performance.now() - t2);
  for (;;) {
    const { body } = await call(one!, 'GET', `/v1/jobs/${job.body.job.id}`);
    if (body.state === 'completed' || body.state === 'failed') { console.log(body, performance.now() - t2); break; }
    await new Promise((r) => setTimeout(r, 200));
  }
  console.log((await call(one!, 'GET', '/ready')).body, (await call(two!, 'GET', '/ready')).body);
  const s = performance.now();
  await Promise.all([one!, two!].map((x) => x[Symbol.asyncDispose]()));
  console.log('stop', performance.now() - s, one!.log.filter((l) => l.level !== 'info'), two!.log.filter((l) => l.level !== 'info'), one!.stderr, two!.stderr);
}, 60000);
