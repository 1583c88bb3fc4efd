import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SimulatedBackend, startSimulatedBackend } from '@switchyard/simulated-backend';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { shell } from '../support/npm-start.js';
import { root, type ServiceProcess } from '../support/service-process.js';
import { startClassifier, startRouter } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** What stands in the README is what happens. */
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const commands = [...readme.matchAll(/```sh\n(.*?)```/gs)]
  .flatMap(([, block = '']) => block.split(/\n(?=\w)/))
  .map((command) => command.trim());

/** Run by the tests of `npm start` and of the compose deployment. */
const ELSEWHERE = [/^npm start$/, /^SWITCHYARD_CONFIG=my.yaml npm start$/, /^docker compose up /];

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
const backends: SimulatedBackend[] = [];
let classifier: ServiceProcess;
let router: ServiceProcess;

/** What `npm start` starts, on ports of its own. */
beforeAll(async () => {
  directory = await temporaryDirectory();
  const env: Record<string, string> = {};
  for (const name of ['code-a', 'code-b', 'chat', 'fast']) {
    const backend = await startSimulatedBackend({ name });
    backends.push(backend);
    env[`SIMULATED_${name.toUpperCase().replace('-', '_')}_URL`] = backend.url;
  }
  classifier = await startClassifier(join(directory.path, 'data'));
  const yaml = readFileSync(join(root, 'config/demo.yaml'), 'utf8');
  const classifierUrl = classifier.url;
  router = await startRouter({ directory: directory.path, yaml, classifierUrl, env });
});
afterAll(async () => {
  await router?.[Symbol.asyncDispose]();
  await classifier?.[Symbol.asyncDispose]();
  for (const backend of backends) await backend.close();
  await directory?.[Symbol.asyncDispose]();
});

const typed = (command: string) =>
  shell(
    command
      .replaceAll('http://127.0.0.1:9000', router.url)
      .replaceAll('http://127.0.0.1:9001', classifier.url),
  );

/** In the order of the README: the beginning of a command, and what its answer shows. */
const expected: [string, (answer: string) => void][] = [
  [
    'curl -si http://127.0.0.1:9000/v1/chat/completions',
    (answer) => {
      expect(answer).toMatch(/^HTTP\/1.1 200/);
      // Those of the README, but for what may differ from run to run.
      const [, block = ''] = /```\n(x-switchyard-source.*?)```/s.exec(readme) ?? [];
      for (const line of block.trim().split('\n'))
        if (!/confidence|backend/.test(line)) expect(answer).toContain(line);
      expect(answer).toMatch(/x-switchyard-confidence: 0\.\d{3}/);
    },
  ],
  [
    'curl -s http://127.0.0.1:9000/route',
    (answer) => expect(JSON.parse(answer)).toMatchObject({ pool: 'fast' }),
  ],
  [
    'curl -s http://127.0.0.1:9001/v1/intents/refunds/exemplars',
    (answer) => expect(JSON.parse(answer).added).toHaveLength(5),
  ],
  [
    'curl -s http://127.0.0.1:9001/v1/classify',
    (answer) => expect(JSON.parse(answer)).toMatchObject({ intent: 'refunds' }),
  ],
  [
    'curl -s http://127.0.0.1:9001/v1/quality',
    (answer) => expect(JSON.parse(answer)).toMatchObject({ accuracy: expect.any(Number) }),
  ],
  [
    'curl -s http://127.0.0.1:9001/v1/evaluate',
    (answer) =>
      expect(JSON.parse(answer)).toMatchObject({ evaluated: 1, scope: { outOfScope: 1 } }),
  ],
];

test('every command is tried, here or in a test of its own', () => {
  const here = commands.filter((command) => !ELSEWHERE.some((pattern) => pattern.test(command)));
  expect(here).toHaveLength(expected.length);
  for (const [position, [beginning]] of expected.entries())
    expect(here[position]?.startsWith(beginning)).toBe(true);
});

test('the commands do what is said of them', async () => {
  for (const [beginning, check] of expected) {
    const command = commands.find((one) => one.startsWith(beginning)) ?? '';
    check(await typed(command));
  }
}, 60_000);

test('prompts go where the README says', async () => {
  const ask = async (content: string) => {
    const response = await fetch(`${router.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content }] }),
    });
    await response.text();
    return response.headers;
  };
  expect((await ask("I'm feeling anxious about my deadline")).get('x-switchyard-pool')).toBe(
    'chat',
  );
  expect((await ask('hi')).get('x-switchyard-pool')).toBe('fast');
  await eventually(async () =>
    expect((await ask('hi')).get('x-switchyard-source')).toMatch(/cache|keyword/),
  );
});

test('every file it links to is there', () => {
  const links = [...readme.matchAll(/\]\((?!http)([^)#]+)/g)].map(([, path = '']) => path);
  expect(links.length).toBeGreaterThan(4);
  for (const path of links) expect(() => readFileSync(join(root, path))).not.toThrow();
});
