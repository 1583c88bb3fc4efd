import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, classify } from '../support/classifier-client.js';
import type { ServiceProcess } from '../support/service-process.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** One classifier that starts with nothing; every test uses intents of its own. */
let service: ServiceProcess;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeAll(async () => {
  directory = await temporaryDirectory();
  service = await startClassifier(directory.path, { STARTER_EXEMPLARS: 'off' });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

const add = (intent: string, texts: string[], onConflict?: 'move') =>
  call(service, 'POST', `/v1/intents/${encodeURIComponent(intent)}/exemplars`, {
    texts,
    ...(onConflict && { onConflict }),
  });
const remove = (path: string) => call(service, 'DELETE', `/v1/intents/${encodeURI(path)}`);

const WINE = [
  'Which wine goes with grilled salmon?',
  'Recommend a red wine for a steak dinner',
  'Is a dry Riesling too sweet for oysters?',
  'What grape is in a white Burgundy?',
  'How long should I decant an old Barolo?',
];

test('with no exemplars at all, nothing is in scope', async () => {
  expect(await classify(service, 'hi')).toEqual({
    intent: null,
    confidence: 0,
    score: 0,
    scopeScore: 0,
    inScope: false,
    alternatives: [],
    indexVersion: 0,
  });
});

test('five exemplars of a new intent change the very next classification, and so does losing them', async () => {
  const question = 'What wine should I drink with roast duck?';
  expect((await classify(service, question)).intent).not.toBe('wine advice');
  const added = await add('wine advice', WINE);
  expect(added.status).toBe(201);
  expect(added.body.added.map(({ text }: { text: string }) => text)).toEqual(WINE);
  const after = await classify(service, question);
  expect(after.intent).toBe('wine advice');
  expect(after.indexVersion).toBe(added.body.indexVersion);

  for (const { id } of added.body.added)
    expect((await remove(`wine advice/exemplars/${id}`)).status).toBe(204);
  expect(
    (await classify(service, question)).alternatives.map(({ intent }) => intent),
  ).not.toContain('wine advice');

  await add('wine advice', WINE);
  expect((await classify(service, question)).intent).toBe('wine advice');
  expect((await remove('wine advice')).status).toBe(204);
  expect((await classify(service, question)).intent).not.toBe('wine advice');
  const { body } = await call(service, 'GET', '/v1/intents');
  expect(body.intents.map(({ name }: { name: string }) => name)).not.toContain('wine advice');
});

test('a text is added once, and is another intent’s only on demand', async () => {
  const text = 'Where does my parcel stay?';
  const first = await add('parcels', [text, `  ${text}\n`, 'Track my parcel']);
  expect(first.body).toMatchObject({ duplicates: [text], conflicts: [] });
  expect(first.body.added).toHaveLength(2);
  expect((await add('parcels', [text])).body).toMatchObject({ added: [], duplicates: [text] });

  const refused = await add('complaints', [text]);
  expect(refused.status).toBe(201);
  expect(refused.body).toMatchObject({ added: [], conflicts: [{ text, intent: 'parcels' }] });

  const moved = await add('complaints', [text], 'move');
  expect(moved.body).toMatchObject({
    conflicts: [],
    added: [{ text, id: first.body.added[0].id }],
  });
  expect((await classify(service, text)).alternatives[0]?.intent).toBe('complaints');
  const left = await call(service, 'GET', '/v1/intents/parcels/exemplars');
  expect(left.body.exemplars).toEqual([first.body.added[1]]);
});

test('an intent’s own threshold decides from the next classification on', async () => {
  const text = 'Book me a table for two';
  await add('bookings', ['Reserve a table for tonight', 'Book a table at the bistro']);
  expect((await classify(service, text)).intent).toBe('bookings');
  const put = await call(service, 'PUT', '/v1/intents/bookings', {
    description: 'Tables',
    threshold: 0.99,
  });
  expect(put).toMatchObject({
    status: 200,
    body: { name: 'bookings', description: 'Tables', threshold: 0.99, exemplars: 2 },
  });
  const refused = await classify(service, text);
  expect([refused.intent, refused.alternatives[0]?.intent]).toEqual([null, 'bookings']);
  const reset = await call(service, 'PUT', '/v1/intents/bookings', { threshold: null });
  expect(reset.body).toMatchObject({ description: 'Tables', threshold: null });
  expect((await classify(service, text)).intent).toBe('bookings');
});

test('pages show every exemplar once', async () => {
  const texts = Array.from({ length: 25 }, (_, n) => `page exemplar ${n}`);
  await add('pages', texts);
  const seen: string[] = [];
  let cursor: string | null = '';
  for (let pages = 0; cursor !== null; pages++) {
    expect(pages).toBeLessThan(4);
    const next: string = cursor && `&cursor=${cursor}`;
    const { body } = await call(service, 'GET', `/v1/intents/pages/exemplars?limit=10${next}`);
    seen.push(...body.exemplars.map(({ text }: { text: string }) => text));
    cursor = body.nextCursor;
  }
  expect(seen).toEqual(texts);
});

describe('names and texts of every kind', () => {
  test.each(['constructor', 'a b.c-d_e', '0', 'x'.repeat(64)])('intent "%s"', async (name) => {
    expect((await add(name, [`exemplar of ${name}`])).status).toBe(201);
    const { body } = await call(
      service,
      'GET',
      `/v1/intents/${encodeURIComponent(name)}/exemplars`,
    );
    expect(body.exemplars).toHaveLength(1);
    expect((await remove(name)).status).toBe(204);
  });

  test.each(['日本語 😀', 'line\nbreaks\tand "quotes"', '\u0000', '😀'.repeat(8192)])(
    'text %# comes back as it was',
    async (text) => {
      const { body } = await add('texts', [text]);
      expect(body.added[0]?.text).toBe(text);
      const { body: page } = await call(service, 'GET', '/v1/intents/texts/exemplars?limit=1000');
      expect(page.exemplars).toContainEqual(body.added[0]);
    },
  );
});

test('sixty-four texts are added at once, and many clients at once', async () => {
  const clients = Array.from({ length: 8 }, (_, client) =>
    add(
      `client ${client}`,
      Array.from({ length: 64 }, (_, n) => `text ${n} of ${client}`),
    ),
  );
  const answers = await Promise.all(clients);
  expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201));
  const versions = answers.map(({ body }) => body.indexVersion);
  expect(new Set(versions).size).toBe(8);
});

test('MAX_INTENTS refuses one more, whichever way it comes, and nothing of that request stays', async () => {
  await using data = await temporaryDirectory();
  await using small = await startClassifier(data.path, {
    STARTER_EXEMPLARS: 'off',
    MAX_INTENTS: '2',
  });
  for (const name of ['one', 'two'])
    expect((await call(small, 'PUT', `/v1/intents/${name}`, {})).status).toBe(200);
  const refusal = { status: 400, body: { error: { code: 'too_many_intents' } } };
  expect(await call(small, 'PUT', '/v1/intents/three', {})).toMatchObject(refusal);
  const path = '/v1/intents/three/exemplars';
  expect(await call(small, 'POST', path, { texts: ['a', 'b'] })).toMatchObject(refusal);
  expect((await call(small, 'POST', '/v1/intents/one/exemplars', { texts: ['a'] })).status).toBe(
    201,
  );
  const { body } = await call(small, 'GET', '/v1/intents');
  expect(body.intents.map(({ name }: { name: string }) => name)).toEqual(['one', 'two']);
});
