import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser } from '../support/browser.js';
import { Fleet } from '../support/fleet.js';
import type { ServiceProcess } from '../support/service-process.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let fleet: Fleet;
let classifier: ServiceProcess;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeAll(async () => {
  directory = await temporaryDirectory();
  classifier = await startClassifier(directory.path);
  fleet = await Fleet.start({ pools: { main: ['a'] }, classifierUrl: classifier.url });
});
afterAll(async () => {
  await fleet?.[Symbol.asyncDispose]();
  await classifier?.[Symbol.asyncDispose]();
  await directory?.[Symbol.asyncDispose]();
});

const urlOf = (service: string) => (service === 'router' ? fleet.router.url : classifier.url);

interface Document {
  openapi: string;
  paths: Record<string, Record<string, { responses: object; requestBody?: { content: object } }>>;
}

describe.each(['router', 'classifier'])('the %s', (service) => {
  const documentOf = async () =>
    (await (await fetch(`${urlOf(service)}/openapi.json`)).json()) as Document;

  test('serves every operation that its document names', async () => {
    const { openapi, paths } = await documentOf();
    expect(openapi).toBe('3.1.0');
    for (const [path, operations] of Object.entries(paths))
      for (const method of Object.keys(operations)) {
        const url = `${urlOf(service)}${path.replaceAll(/\{(\w+)\}/g, 'unknown')}`;
        const controller = new AbortController();
        const response = await fetch(url, {
          method: method.toUpperCase(),
          signal: controller.signal,
          ...(method !== 'get' && { body: 'x' }),
        });
        const isJson = response.headers.get('content-type')?.startsWith('application/json');
        const { error } = (isJson ? await response.json() : {}) as { error?: { code: string } };
        controller.abort();
        const code = error?.code ?? 'none';
        expect(['not_found', 'method_not_allowed'], `${method} ${path}`).not.toContain(code);
      }
  });

  test.each(['/docs', '/docs/'])(
    'shows it on %s, which loads nothing from elsewhere',
    async (path) => {
      const browser = await launchBrowser();
      try {
        const page = await browser.newPage();
        const asked: string[] = [];
        const problems: string[] = [];
        page.on('request', (request) => asked.push(request.url()));
        page.on(
          'console',
          (message) => message.type() === 'error' && problems.push(message.text()),
        );
        page.on('pageerror', (error) => problems.push(error.message));
        await page.goto(urlOf(service) + path);
        const operations = page.locator('.opblock');
        await operations.first().waitFor({ timeout: 20_000 });
        const { paths } = await documentOf();
        const count = Object.values(paths).flatMap((methods) => Object.keys(methods)).length;
        await expect.poll(() => operations.count(), { timeout: 10_000 }).toBe(count);
        const { origin } = new URL(urlOf(service));
        for (const url of asked)
          if (!url.startsWith('data:')) expect(new URL(url).origin).toBe(origin);
        expect(problems).toEqual([]);
      } finally {
        await browser.close();
      }
    },
    60_000,
  );
});
