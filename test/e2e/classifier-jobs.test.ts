import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import type { Job } from '@switchyard/contracts';
import { expect, test } from 'vitest';
import { call, classify, events, metric, trained } from '../support/classifier-client.js';
import { eventually } from '../support/eventually.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** A job is complete when the scoring is trained, at low priority. */
const TRAINED_WITHIN_MS = 60_000;
const EMPTY = { STARTER_EXEMPLARS: 'off' };
const line = (intent: string, text: string) => `${JSON.stringify({ intent, text })}\n`;
const lines = (count: number) =>
  Array.from({ length: count }, (_, n) => line(`intent ${n % 5}`, `imported text ${n}`)).join('');

async function completed(service: { url: string }, id: string): Promise<Job> {
  const { result } = await eventually(async () => {
    const { body } = await call(service, 'GET', `/v1/jobs/${id}`);
    expect(body.state).toBe('completed');
    return body as Job;
  }, TRAINED_WITHIN_MS);
  return result;
}

const exportedLines = async (service: { url: string }): Promise<string[]> =>
  String((await call(service, 'GET', '/v1/export')).body)
    .split('\n')
    .slice(0, -1);

test('more than 64 texts become a job, which classifies with them when it is completed', async () => {
  await using directory = await temporaryDirectory();
  await using service = await startClassifier(directory.path, EMPTY);
  const texts = Array.from({ length: 65 }, (_, n) => `Water the orchids in room ${n}`);
  const accepted = await call(service, 'POST', '/v1/intents/plants/exemplars', { texts });
  expect(accepted.status).toBe(202);
  const { id } = accepted.body.job;
  expect(accepted.headers.get('location')).toBe(`/v1/jobs/${id}`);

  const seen: Job[] = [];
  for await (const job of events(service, `/v1/jobs/${id}/events`)) seen.push(job);
  expect(seen.at(-1)).toEqual({
    id,
    state: 'completed',
    total: 65,
    done: 65,
    added: 65,
    duplicates: 0,
    rejected: 0,
    failed: [],
  });
  expect((await call(service, 'GET', `/v1/jobs/${id}`)).body).toEqual(seen.at(-1));
  expect((await classify(service, 'Water the orchids')).intent).toBe('plants');
  // A finished job's events are its last state and the end.
  const late: Job[] = [];
  for await (const job of events(service, `/v1/jobs/${id}/events`)) late.push(job);
  expect(late).toEqual([seen.at(-1)]);
});

test('an import takes the good lines and numbers the bad ones', async () => {
  await using directory = await temporaryDirectory();
  await using service = await startClassifier(directory.path, { ...EMPTY, MAX_INTENTS: '2' });
  const ndjson =
    `\ufeff${line('a', 'one')}\r\n` + // the line break of `line`, then an empty line
    `{"intent":"a"}\nnonsense\n${line('b', 'one')}${line('b', 'two')}${line('a', 'one')}` +
    `${line('surplus', 'three')}{"intent":"a","text":"no newline at the end"}`;
  const accepted = await call(service, 'POST', '/v1/import', ndjson);
  expect(accepted.status).toBe(202);
  const job = await completed(service, accepted.body.job.id);
  expect(job).toMatchObject({ total: 8, done: 8, added: 3, duplicates: 1, rejected: 4 });
  const failed = new Map(job.failed.map(({ line: number, error }) => [number, error]));
  expect([...failed.keys()].sort()).toEqual([3, 4, 5, 8]);
  expect(failed.get(3)).toMatch(/^text: /);
  expect(failed.get(4)).toMatch(/JSON/);
  expect(failed.get(5)).toBe('already under intent "a"');
  expect(failed.get(8)).toMatch(/MAX_INTENTS/);
  expect(await exportedLines(service)).toHaveLength(3);

  const moved = await call(service, 'POST', '/v1/import?onConflict=move', line('b', 'one'));
  expect(await completed(service, moved.body.job.id)).toMatchObject({ added: 1, rejected: 0 });
  expect(await exportedLines(service)).toContain(line('b', 'one').trim());
});

test('a job survives kill -9 in the middle and adds nothing twice', async () => {
  await using directory = await temporaryDirectory();
  const service = await startClassifier(directory.path, EMPTY);
  const { body } = await call(service, 'POST', '/v1/import', lines(800));
  const { id } = body.job;
  await eventually(async () => {
    const { body: job } = await call(service, 'GET', `/v1/jobs/${id}`);
    expect(job.done).toBeGreaterThan(0);
  });
  await service.kill();
  const early = await readdir(join(directory.path, 'jobs'));
  expect(early.sort()).toEqual([`${id}.json`, `${id}.ndjson`]);

  await using again = await startClassifier(directory.path, EMPTY);
  const job = await completed(again, id);
  expect(job).toMatchObject({ total: 800, done: 800, rejected: 0 });
  // A chunk that was committed but not yet counted is found again, as duplicates.
  expect(job.added + job.duplicates).toBe(800);
  expect(await metric(again, 'switchyard_embeddings_total')).toBeLessThan(800);
  const exported = await exportedLines(again);
  expect(exported).toHaveLength(800);
  expect(new Set(exported).size).toBe(800);
  expect(await readdir(join(directory.path, 'jobs'))).toEqual([`${id}.json`]);
});

test('what is exported can be imported into an empty classifier, which then answers the same', async () => {
  await using one = await temporaryDirectory();
  await using two = await temporaryDirectory();
  await using from = await startClassifier(one.path, EMPTY);
  await using to = await startClassifier(two.path, EMPTY);
  const special = ['quotes " and \\ and \u2028', 'tab\there', '日本語 😀', 'x'.repeat(8192)];
  const add = (intent: string, texts: string[]) =>
    call(from, 'POST', `/v1/intents/${intent}/exemplars`, { texts });
  await add('special', special);
  await add('cats', ['My cat is asleep', 'Feed the kitten', 'Is the cat at the vet?']);
  await add('ships', ['The ship is in port', 'Load the freighter', 'When does the ferry sail?']);
  const exported = await call(from, 'GET', '/v1/export');
  expect(exported.headers.get('content-type')).toMatch(/^application\/x-ndjson/);
  const { body } = await call(to, 'POST', '/v1/import', exported.body);
  const job = await completed(to, body.job.id);
  expect(job).toMatchObject({ rejected: 0, duplicates: 0, added: job.total });
  expect((await call(to, 'GET', '/v1/export')).body).toBe(exported.body);
  await trained(from);
  for (const text of ['Where is my cat?', 'Is the boat here?', 'hi', special[0] ?? '']) {
    const [here, there] = [await classify(from, text), await classify(to, text)];
    expect(there.intent).toBe(here.intent);
    expect(there.confidence).toBeCloseTo(here.confidence, 6);
  }
});

test('an upload whose client goes away leaves nothing behind', async () => {
  await using directory = await temporaryDirectory();
  await using service = await startClassifier(directory.path, { ...EMPTY, LOG_LEVEL: 'debug' });
  const jobs = join(directory.path, 'jobs');
  const upload = request(`${service.url}/v1/import`, { method: 'POST' }).on(
    'error',
    () => undefined,
  );
  upload.write(lines(1000));
  await eventually(async () => expect(await readdir(jobs)).toHaveLength(1));
  upload.destroy();
  await eventually(async () => expect(await readdir(jobs)).toEqual([]));
  await eventually(() =>
    expect(service.log.map(({ msg }) => msg)).toContain('the client went away'),
  );
  expect(service.log.filter(({ level }) => level === 'error')).toEqual([]);
  expect(await exportedLines(service)).toEqual([]);
});

test('an export whose client goes away ends', async () => {
  await using directory = await temporaryDirectory();
  await using service = await startClassifier(directory.path);
  const abort = new AbortController();
  const response = await fetch(`${service.url}/v1/export`, { signal: abort.signal });
  await response.body?.getReader().read();
  abort.abort();
  expect((await exportedLines(service)).length).toBeGreaterThan(100);
  expect(service.log.filter(({ level }) => level === 'error')).toEqual([]);
});
