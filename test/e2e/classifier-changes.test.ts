import { expect, test } from 'vitest';
import { call, classify, events } from '../support/classifier-client.js';
import { eventually } from '../support/eventually.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const EMPTY = { STARTER_EXEMPLARS: 'off' };

test('tells the version at once and after every change, and ends when the server stops', async () => {
  await using directory = await temporaryDirectory();
  await using service = await startClassifier(directory.path, EMPTY);
  const changes = events(service, '/v1/changes');
  const next = async () => (await changes.next()).value;
  expect(await next()).toEqual({ indexVersion: 0 });

  const added = await call(service, 'POST', '/v1/intents/a/exemplars', { texts: ['one', 'two'] });
  expect(await next()).toEqual({ indexVersion: 1 });
  await call(service, 'POST', '/v1/intents/a/exemplars', { texts: ['one'] });
  await call(service, 'PUT', '/v1/intents/a', { threshold: 0.5 });
  expect(await next()).toEqual({ indexVersion: 2 });
  await call(service, 'DELETE', `/v1/intents/a/exemplars/${added.body.added[0].id}`);
  expect(await next()).toEqual({ indexVersion: 3 });
  await call(service, 'DELETE', '/v1/intents/a');
  expect(await next()).toEqual({ indexVersion: 4 });
  expect((await classify(service, 'one')).indexVersion).toBe(4);

  const started = performance.now();
  expect(await service.kill('SIGTERM')).toBe(0);
  expect((await changes.next()).done).toBe(true);
  // Far below the five seconds that requests in flight would be given.
  expect(performance.now() - started).toBeLessThan(3000);
});

test('a change is told with the version that its answer names', async () => {
  await using directory = await temporaryDirectory();
  await using service = await startClassifier(directory.path, EMPTY);
  const changes = events(service, '/v1/changes');
  await changes.next();
  const told = changes.next();
  const { body } = await call(service, 'POST', '/v1/intents/a/exemplars', { texts: ['x'] });
  expect((await told).value).toEqual({ indexVersion: body.indexVersion });
  await changes.return(undefined);
});

test('listeners come and go without a trace', async () => {
  await using directory = await temporaryDirectory();
  await using service = await startClassifier(directory.path, EMPTY);
  const aborts = Array.from({ length: 50 }, () => new AbortController());
  const streams = aborts.map(({ signal }) => events(service, '/v1/changes', signal));
  for (const stream of streams) expect((await stream.next()).value).toEqual({ indexVersion: 0 });
  for (const abort of aborts.slice(1)) abort.abort();
  await eventually(async () => {
    const { body } = await call(service, 'GET', '/metrics');
    const closed = /_count\{method="GET",route="\/v1\/changes",status="200"\} (\d+)/.exec(
      body,
    )?.[1];
    expect(Number(closed)).toBe(49);
  });
  await call(service, 'PUT', '/v1/intents/a', {});
  expect((await streams[0]?.next())?.value).toEqual({ indexVersion: 1 });
  aborts[0]?.abort();
});

test('running requests finish before a stop, an import goes on at the next start', async () => {
  await using directory = await temporaryDirectory();
  const service = await startClassifier(directory.path, EMPTY);
  const ndjson = Array.from({ length: 500 }, (_, n) => `{"intent":"a","text":"text ${n}"}\n`);
  const { body } = await call(service, 'POST', '/v1/import', ndjson.join(''));
  const texts = Array.from({ length: 64 }, (_, n) => `${n} `.padEnd(4000, 'words and words '));
  const running = call(service, 'POST', '/v1/classify', { texts });
  await eventually(async () => {
    const metrics = await call(service, 'GET', '/metrics');
    expect(metrics.body).toMatch(/^switchyard_classifications_total\{.*\} \d+$/m);
  });
  expect(await service.kill('SIGTERM')).toBe(0);
  expect((await running).status).toBe(200);

  await using again = await startClassifier(directory.path, EMPTY);
  const { result: job } = await eventually(async () => {
    const { body: now } = await call(again, 'GET', `/v1/jobs/${body.job.id}`);
    expect(now.state).toBe('completed');
    return now;
  });
  // Stopped in order: nothing had to be done twice.
  expect(job).toMatchObject({ total: 500, added: 500, duplicates: 0, rejected: 0 });
});
