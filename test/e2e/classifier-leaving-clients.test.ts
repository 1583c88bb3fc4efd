import { once } from 'node:events';
import { Agent, type ClientRequest, request } from 'node:http';
import { expect, test } from 'vitest';
import { classify, metric } from '../support/classifier-client.js';
import { eventually } from '../support/eventually.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const CLIENTS = 300;
const LONG = 'a long prompt of many words ';

async function sendAll(url: string, bodies: readonly unknown[]): Promise<ClientRequest[]> {
  const agent = new Agent({ maxSockets: bodies.length });
  const clients = bodies.map((body) => {
    const client = request(url, { method: 'POST', agent }).on('error', () => undefined);
    client.end(JSON.stringify(body));
    return client;
  });
  await Promise.all(clients.map((client) => once(client, 'finish')));
  return clients;
}

test.each([
  { path: '/v1/classify', body: (text: string) => ({ text }) },
  { path: '/v1/embeddings', body: (text: string) => ({ input: [text, `${text} again`] }) },
])('clients of $path that leave take their texts out of the line', async ({ path, body }) => {
  await using directory = await temporaryDirectory();
  await using service = await startClassifier(directory.path, {
    STARTER_EXEMPLARS: 'off',
    EMBEDDING_WORKERS: '1',
  });
  const texts = Array.from({ length: CLIENTS }, (_, n) => `${n} `.padEnd(8000, LONG));
  const clients = await sendAll(
    service.url + path,
    texts.map((text) => body(text)),
  );
  // They are being served, and most of them wait.
  await eventually(async () => {
    expect(await metric(service, 'switchyard_embeddings_total')).toBeGreaterThan(0);
  });
  for (const client of clients) client.destroy();
  await classify(service, 'a client that stays');
  expect(await metric(service, 'switchyard_embeddings_total')).toBeLessThan(CLIENTS / 2);
  expect(service.log.filter(({ level }) => level === 'error')).toEqual([]);
});

test('a stop in the middle of a text whose client has left is an orderly one', async () => {
  await using directory = await temporaryDirectory();
  const service = await startClassifier(directory.path, { STARTER_EXEMPLARS: 'off' });
  const texts = Array.from({ length: 20 }, (_, n) => `${n} `.padEnd(8000, LONG));
  const clients = await sendAll(
    `${service.url}/v1/classify`,
    texts.map((text) => ({ text })),
  );
  await eventually(async () => {
    expect(await metric(service, 'switchyard_embeddings_total')).toBeGreaterThan(0);
  });
  for (const client of clients) client.destroy();
  expect([await service.kill('SIGTERM'), service.stderr]).toEqual([0, '']);
});
