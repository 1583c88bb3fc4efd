import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startSimulatedBackend } from '@switchyard/simulated-backend';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { root } from '../support/service-process.js';
import { startClassifier, startRouter } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const modules = ['/usr/lib/nginx/modules', '/usr/lib64/nginx/modules', '/etc/nginx/modules'];

/** The example's nginx, on ports of its own. */
class Nginx implements AsyncDisposable {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  static async start(prefix: string, ports: Record<string, number>): Promise<Nginx> {
    const example = join(root, 'deploy/sidecar');
    let conf = await readFile(join(example, 'nginx.conf'), 'utf8');
    for (const [from, to] of Object.entries(ports)) {
      expect(conf).toContain(`127.0.0.1:${from};`);
      conf = conf.replaceAll(`127.0.0.1:${from};`, `127.0.0.1:${to};`);
    }
    await writeFile(join(prefix, 'nginx.conf'), conf);
    await copyFile(join(example, 'switchyard.js'), join(prefix, 'switchyard.js'));
    await mkdir(join(prefix, 'logs'));
    const found = modules.find((folder) => existsSync(`${folder}/ngx_http_js_module.so`)) ?? '';
    await symlink(found, join(prefix, 'modules'));
    // Where it would write without being asked is not ours.
    const paths = ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const temporary = paths.map(
      (name) => `${name === 'body' ? 'client_body' : name}_temp_path ${name};`,
    );
    conf = conf.replace('http {', `http {\n  access_log off;\n  ${temporary.join('\n  ')}`);
    await writeFile(join(prefix, 'nginx.conf'), conf);
    const child = spawn(
      'nginx',
      [
        '-p',
        prefix,
        '-c',
        'nginx.conf',
        '-e',
        'stderr',
        '-g',
        'daemon off; pid nginx.pid; master_process off;',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    const url = `http://127.0.0.1:${ports['8000']}`;
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`nginx ended: ${said}`);
      await fetch(`${url}/v1/models`);
    });
    return new Nginx(url, child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exit;
  }
}

test('nginx asks for the pool and stays the proxy, also without Switchyard', async () => {
  await using directory = await temporaryDirectory();
  const start = (name: string) => startSimulatedBackend({ name, ttftMs: 0, tokensPerSecond: 0 });
  await using codeA = await start('code-a');
  await using codeB = await start('code-b');
  await using chat = await start('chat');
  await using classifier = await startClassifier(join(directory.path, 'data'));
  // Pools of the same names; their backends are never asked for anything.
  const pool = `{ backends: [{ name: any, url: "${chat.url}" }] }`;
  const yaml = [
    `pools: { code: ${pool}, chat: ${pool} }`,
    'routes: { code generation: code }',
    'default: chat',
  ].join('\n');
  const router = await startRouter({
    directory: directory.path,
    yaml,
    classifierUrl: classifier.url,
  });
  const portOf = ({ url }: { url: string }) => Number(new URL(url).port);
  const prefix = join(directory.path, 'nginx');
  await mkdir(prefix);
  await using nginx = await Nginx.start(prefix, {
    8000: await freePort(),
    9000: portOf(router),
    9101: portOf(codeA),
    9102: portOf(codeB),
    9103: portOf(chat),
  });
  const ask = async (content: string, stream = false) => {
    const response = await fetch(`${nginx.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'auto', stream, messages: [{ role: 'user', content }] }),
    });
    expect(response.status).toBe(200);
    return { pool: response.headers.get('x-switchyard-pool'), text: await response.text() };
  };
  const long = 'Write a Python function to sort a list of dates';
  expect((await ask(long)).pool).toBe('code');
  expect((await ask('I feel so anxious about tomorrow')).pool).toBe('chat');
  const streamed = await ask('Write a Rust function that parses JSON', true);
  expect(streamed.pool).toBe('code');
  expect(streamed.text).toContain('data: [DONE]');
  // A prompt that nginx would put into a file, were its buffer smaller.
  expect((await ask(`${long}. ${'It must be fast. '.repeat(5000)}`)).text).toContain('choices');

  await router[Symbol.asyncDispose]();
  expect((await ask(long)).pool).toBe('chat');
}, 60_000);
