import { once } from 'node:events';
import { cp, truncate, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { call, classify, failedStart } from '../support/classifier-client.js';
import { root, ServiceProcess } from '../support/service-process.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const MODEL = 'all-MiniLM-L6-v2';
const modelDir = process.env.MODEL_DIR ?? `${root}.models`;

/** Starts in a directory of its own, and expects exit 78 with these lines on stderr and no more. */
async function refused(
  env: Record<string, string>,
  problems: (string | RegExp)[],
  prepare: (directory: string) => Promise<Record<string, string>> = async () => ({}),
): Promise<void> {
  await using directory = await temporaryDirectory();
  const more = await prepare(directory.path);
  const { exit, stderr } = await failedStart({
    DATA_DIR: join(directory.path, 'data'),
    ...env,
    ...more,
  });
  expect(stderr.trim().split('\n')).toEqual(
    problems.map((problem) => expect.stringMatching(problem)),
  );
  expect(exit).toBe(78);
}

test('every wrong variable is one line, and the exit code says that restarting will not help', () =>
  refused(
    {
      CLASSIFIER_PORT: 'http',
      MAX_INTENTS: '-5',
      STARTER_EXEMPLARS: 'maybe',
      ADMIN_TOKEN: 'two words',
    },
    [
      /^CLASSIFIER_PORT: must be a whole number, got "http"$/,
      /^MAX_INTENTS: must be from 1 to 100000, got "-5"$/,
      /^STARTER_EXEMPLARS: must be "on" or "off", "true" or "false", got "maybe"$/,
      /^ADMIN_TOKEN: must be ASCII characters without spaces$/,
    ],
  ));

test('a port in use is a problem of CLASSIFIER_PORT', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  await refused({ CLASSIFIER_PORT: String(port) }, [
    new RegExp(`^CLASSIFIER_PORT: port ${port} on 127.0.0.1 is in use`),
  ]);
  other.close();
});

test('an address of another machine is a problem of CLASSIFIER_HOST', () =>
  refused({ CLASSIFIER_HOST: '192.0.2.1', ADMIN_TOKEN: 'a-long-token' }, [
    /^CLASSIFIER_HOST: cannot listen on 192\.0\.2\.1 \(EADDRNOTAVAIL\)/,
  ]));

describe('a DATA_DIR that cannot be used', () => {
  const line = [/^DATA_DIR: .* cannot be used: /];

  test('because a file is in the way', () =>
    refused({}, line, async (directory) => {
      await writeFile(join(directory, 'file'), '');
      return { DATA_DIR: join(directory, 'file', 'data') };
    }));

  test('because nobody may write there', () => refused({ DATA_DIR: '/sys/switchyard' }, line));

  test('because what is there is no database', () =>
    refused({}, line, async (directory) => {
      await writeFile(join(directory, 'exemplars.lmdb'), 'x'.repeat(10_000));
      return { DATA_DIR: directory };
    }));
});

describe('a model that cannot be used', () => {
  const copied = (damage: (folder: string) => Promise<unknown>) => async (directory: string) => {
    const folder = join(directory, 'models', MODEL);
    await cp(join(modelDir, MODEL), folder, { recursive: true });
    await damage(folder);
    return { MODEL_DIR: join(directory, 'models') };
  };

  test('because it is not there', () =>
    refused({ MODEL_DIR: '/nonexistent' }, [/^MODEL: .*\/nonexistent\/all-MiniLM-L6-v2/]));

  test('because no other name is there', () =>
    refused({ MODEL: 'other' }, [/^MODEL: .*other: it does not exist/]));

  test('because its graph is truncated', () =>
    refused(
      {},
      [/^MODEL: .*model_quantized\.onnx/],
      copied((folder) => truncate(join(folder, 'onnx/model_quantized.onnx'), 1_000_000)),
    ));

  test('because its tokenizer was altered', () =>
    refused(
      {},
      [/^MODEL: .*tokenizer\.json/],
      copied((folder) => writeFile(join(folder, 'tokenizer.json'), '{}')),
    ));
});

test('MAX_INTENTS that the starter exemplars exceed stops the start before anything is stored', async () => {
  await using directory = await temporaryDirectory();
  const env = { DATA_DIR: directory.path, MAX_INTENTS: '5' };
  const { exit, stderr } = await failedStart({ ...env, STARTER_EXEMPLARS: 'on' });
  expect(exit).toBe(78);
  expect(stderr).toMatch(/^MAX_INTENTS: .*STARTER_EXEMPLARS=off\n$/);
  await using service = await startClassifier(directory.path, { ...env, STARTER_EXEMPLARS: 'off' });
  expect((await call(service, 'GET', '/v1/intents')).body).toEqual({ intents: [] });
});

test('STARTER_EXEMPLARS=off starts with none; on loads them only into an empty store', async () => {
  await using directory = await temporaryDirectory();
  let service = await startClassifier(directory.path, { STARTER_EXEMPLARS: 'off' });
  expect((await classify(service, 'hi')).intent).toBeNull();
  const texts = ['Feed the penguins', 'Are the penguins hungry?'];
  await call(service, 'POST', '/v1/intents/penguins/exemplars', { texts });
  await service.kill('SIGTERM');
  service = await startClassifier(directory.path, { STARTER_EXEMPLARS: 'on' });
  const { body } = await call(service, 'GET', '/v1/intents');
  expect(body.intents.map(({ name }: { name: string }) => name)).toEqual(['penguins']);
  await service[Symbol.asyncDispose]();
});

test('while it loads it is alive, not ready, and says so; a SIGTERM then ends it in order', async () => {
  await using directory = await temporaryDirectory();
  const service = await ServiceProcess.start(
    {
      entry: 'services/classifier/dist/server.js',
      env: { CLASSIFIER_PORT: '0', DATA_DIR: directory.path, MODEL_DIR: modelDir },
    },
    '/health',
  );
  const early = await call(service, 'GET', '/ready');
  const refusal = await call(service, 'POST', '/v1/classify', { text: 'hi' });
  expect(early).toMatchObject({ status: 503, body: { ready: false } });
  expect(refusal).toMatchObject({ status: 503, body: { error: { code: 'not_ready' } } });
  expect(refusal.headers.get('retry-after')).toBe('1');
  expect(await service.kill('SIGTERM')).toBe(0);
  await using again = await startClassifier(directory.path);
  expect((await classify(again, 'hi')).intent).toBe('quick question');
});
