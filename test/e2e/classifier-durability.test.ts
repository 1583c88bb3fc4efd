import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { call, classify, failedStart, metric } from '../support/classifier-client.js';
import { root } from '../support/service-process.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const exported = async (service: { url: string }): Promise<string[]> =>
  String((await call(service, 'GET', '/v1/export')).body)
    .split('\n')
    .filter((line) => line !== '')
    .sort();

test('what a 201 confirmed survives kill -9 in the next instant, and is not embedded again', async () => {
  await using directory = await temporaryDirectory();
  let service = await startClassifier(directory.path);
  const version = (await classify(service, 'hi')).indexVersion;
  const confirmed: string[] = [];
  for (let round = 0; round < 3; round++) {
    const texts = Array.from(
      { length: 20 },
      (_, n) => `Feed the penguins, round ${round}, no. ${n}`,
    );
    const { status } = await call(service, 'POST', '/v1/intents/penguins/exemplars', { texts });
    await service.kill();
    expect(status).toBe(201);
    confirmed.push(...texts.map((text) => JSON.stringify({ intent: 'penguins', text })));

    service = await startClassifier(directory.path);
    const answer = await classify(service, 'Feed the penguins, please');
    expect(answer).toMatchObject({ intent: 'penguins', indexVersion: version + round + 1 });
    expect(await metric(service, 'switchyard_embeddings_total')).toBe(1);
    expect(await exported(service)).toEqual(expect.arrayContaining(confirmed));
  }
  expect(await metric(service, 'switchyard_exemplars')).toBe((await exported(service)).length);
  await service[Symbol.asyncDispose]();
});

test('a confirmed delete survives kill -9, and deleted starter exemplars stay away', async () => {
  await using directory = await temporaryDirectory();
  let service = await startClassifier(directory.path);
  const before = (await exported(service)).length;
  expect((await call(service, 'DELETE', '/v1/intents/translation')).status).toBe(204);
  await service.kill();
  service = await startClassifier(directory.path);
  const after = await exported(service);
  expect(after.length).toBeLessThan(before);
  expect(after.filter((line) => line.includes('"intent":"translation"'))).toEqual([]);
  expect(await metric(service, 'switchyard_embeddings_total')).toBe(0);
  await service[Symbol.asyncDispose]();
});

test('a second process on the same DATA_DIR is refused, and disturbs nothing', async () => {
  await using directory = await temporaryDirectory();
  await using service = await startClassifier(directory.path, { STARTER_EXEMPLARS: 'off' });
  const { exit, stderr } = await failedStart({ DATA_DIR: directory.path });
  expect(exit).toBe(78);
  expect(stderr.trim()).toBe(
    `DATA_DIR: ${directory.path} is in use by another classifier (process ${service.pid})`,
  );
  const added = await call(service, 'POST', '/v1/intents/a/exemplars', { texts: ['still here'] });
  expect(added.status).toBe(201);
});

test('a full disk refuses the change and keeps serving', { timeout: 60_000 }, async () => {
  await using directory = await temporaryDirectory();
  // The limit of the size of a file stands in for the end of the disk; in blocks of 1 KiB.
  const child = spawn(
    'bash',
    ['-c', `ulimit -f 2000; exec "${process.execPath}" services/classifier/dist/server.js`],
    {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        CLASSIFIER_PORT: '0',
        STARTER_EXEMPLARS: 'off',
        DATA_DIR: directory.path,
        MODEL_DIR: process.env.MODEL_DIR ?? `${root}.models`,
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const ended = once(child, 'exit');
  try {
    let url = '';
    for await (const line of createInterface({ input: child.stdout })) {
      const { msg, url: given } = JSON.parse(line);
      if (msg === 'listening') url = given;
      if (msg === 'ready') break;
    }
    child.stdout.resume();
    const service = { url };
    const big = (n: number) => ({
      texts: Array.from({ length: 32 }, (_, k) => `${n} ${k} `.padEnd(8000, 'x')),
    });
    let answer = await call(service, 'POST', '/v1/intents/a/exemplars', big(0));
    expect(answer.status).toBe(201);
    let last = answer;
    for (let n = 1; answer.status === 201 && n < 50; n++) {
      last = answer;
      answer = await call(service, 'POST', '/v1/intents/a/exemplars', big(n));
    }
    expect(answer).toMatchObject({
      status: 507,
      body: { error: { code: 'insufficient_storage' } },
    });
    expect((await classify(service, 'x')).indexVersion).toBe(last.body.indexVersion);
    const upload = JSON.stringify({ intent: 'a', text: 'y'.repeat(8000) })
      .concat('\n')
      .repeat(400);
    expect(await call(service, 'POST', '/v1/import', upload)).toMatchObject({
      status: 507,
      body: { error: { code: 'insufficient_storage' } },
    });
    expect((await call(service, 'GET', '/health')).status).toBe(200);

    child.kill('SIGKILL');
    await ended;
    await using again = await startClassifier(directory.path, { STARTER_EXEMPLARS: 'off' });
    expect((await classify(again, 'x')).indexVersion).toBe(last.body.indexVersion);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
});
