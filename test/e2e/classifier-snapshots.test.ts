import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { call, classify, metric, trained } from '../support/classifier-client.js';
import { eventually } from '../support/eventually.js';
import type { ServiceProcess } from '../support/service-process.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const said = (service: ServiceProcess, message: string) =>
  service.log.filter(({ msg }) => msg === message);
const LOADED = 'loaded the index';
const UNUSABLE = 'a snapshot of the index cannot be used';
const prompts = ['Feed the penguins, please', 'fix this bug in my code', 'I feel so lonely today'];

async function answers(service: ServiceProcess) {
  const found = [];
  for (const text of prompts) {
    const { body } = await call(service, 'POST', '/v1/classify', { text, k: 20 });
    found.push(body);
  }
  return found;
}

test('a restart loads the index it wrote at the end, and answers the same', async () => {
  await using directory = await temporaryDirectory();
  let service = await startClassifier(directory.path);
  expect(said(service, LOADED)).toEqual([]);
  const texts = Array.from({ length: 20 }, (_, n) => `Feed the penguins, no. ${n}`);
  await call(service, 'POST', '/v1/intents/penguins/exemplars', { texts });
  await trained(service);
  const before = await answers(service);
  expect(await service.kill('SIGTERM')).toBe(0);

  service = await startClassifier(directory.path);
  await eventually(() => expect(said(service, LOADED)).toHaveLength(1));
  expect(await answers(service)).toEqual(before);

  // What changes after the snapshot, and is never written to one, is not lost.
  const more = { texts: ['Feed the pandas', 'Give the pandas their bamboo'] };
  await call(service, 'POST', '/v1/intents/pandas/exemplars', more);
  await call(service, 'DELETE', '/v1/intents/translation');
  await trained(service);
  const changed = await answers(service);
  const count = await metric(service, 'switchyard_exemplars');
  await service.kill();

  service = await startClassifier(directory.path);
  await eventually(() => expect(said(service, LOADED)).toHaveLength(1));
  expect(await answers(service)).toEqual(changed);
  expect(await classify(service, 'Feed the pandas')).toMatchObject({ intent: 'pandas' });
  expect(await metric(service, 'switchyard_exemplars')).toBe(count);
  await service[Symbol.asyncDispose]();
});

test('a snapshot that is damaged is reported, not served, and replaced', async () => {
  await using directory = await temporaryDirectory();
  let service = await startClassifier(directory.path);
  await trained(service);
  const before = await answers(service);
  await service.kill('SIGTERM');
  const index = join(directory.path, 'index');
  const [name = ''] = await readdir(index);
  const path = join(index, name, 'graph.hnsw');
  const bytes = await readFile(path);
  bytes.fill(0xff, bytes.length / 2, bytes.length / 2 + 5000);
  await writeFile(path, bytes);

  service = await startClassifier(directory.path);
  // Log lines come a moment late.
  await eventually(() =>
    expect(said(service, UNUSABLE)).toMatchObject([
      { snapshot: join(index, name), reason: 'graph.hnsw is not what was written' },
    ]),
  );
  expect(said(service, LOADED)).toEqual([]);
  expect(await answers(service)).toEqual(before);
  expect(await service.kill('SIGTERM')).toBe(0);

  service = await startClassifier(directory.path);
  await eventually(() => expect(said(service, LOADED)).toHaveLength(1));
  expect(await answers(service)).toEqual(before);
  await service[Symbol.asyncDispose]();
});
