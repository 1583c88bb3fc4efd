import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { freePort, root, startScript, startServer } from '../processes.mjs';

const ANSWER = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello!' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
});
const PORTKEY = '@portkey-ai/gateway@1.15.2';
/** To install the gateway. */
const INSTALL_TIMEOUT_MS = 90_000;

const has = (command) => spawnSync(command, ['-v'], { stdio: 'ignore' }).error === undefined;

async function start(command, args, url, env) {
  const { pid, stop } = await startServer(command, args, url, { env });
  return { pid, stop };
}

const nginxHead = (folder, name) => `
daemon off; master_process off; pid ${folder}/${name}.pid; error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path ${folder}/${name}-body; proxy_temp_path ${folder}/${name}-proxy;
  fastcgi_temp_path ${folder}/${name}-f; uwsgi_temp_path ${folder}/${name}-u; scgi_temp_path ${folder}/${name}-s;`;

/** An upstream that answers every request at once, and takes next to no time for it. */
export async function startUpstream(folder) {
  const port = await freePort();
  const conf = join(folder, 'upstream.conf');
  await writeFile(
    conf,
    `${nginxHead(folder, 'upstream')}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { default_type application/json; return 200 '${ANSWER}'; }
  }
}`,
  );
  const url = `http://127.0.0.1:${port}`;
  return { url, port, ...(await start('nginx', ['-p', folder, '-c', conf, '-e', 'stderr'], url)) };
}

/** The same in Node, where there is no nginx. */
export async function startNodeUpstream() {
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    request.resume();
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(ANSWER),
    });
    response.end(ANSWER);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pid: process.pid,
    stop: async () => server.close(),
  };
}

/** nginx with one worker. */
async function startNginx(folder, upstream) {
  if (!has('nginx')) return undefined;
  const port = await freePort();
  const conf = join(folder, 'proxy.conf');
  await writeFile(
    conf,
    `${nginxHead(folder, 'proxy')}
  upstream up { server 127.0.0.1:${upstream.port}; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
  }
}`,
  );
  const url = `http://127.0.0.1:${port}`;
  return { url, ...(await start('nginx', ['-p', folder, '-c', conf, '-e', 'stderr'], url)) };
}

/** HAProxy with one thread. */
async function startHaproxy(folder, upstream) {
  if (!has('haproxy')) return undefined;
  const port = await freePort();
  const conf = join(folder, 'haproxy.cfg');
  await writeFile(
    conf,
    `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  server s 127.0.0.1:${upstream.port}
`,
  );
  const url = `http://127.0.0.1:${port}`;
  return { url, ...(await start('haproxy', ['-f', conf, '-db'], url)) };
}

/** The Portkey gateway from npm, installed aside once; undefined when the registry does not give it. */
async function startPortkey(upstream) {
  const folder = join(root, '.build/peers');
  const entry = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js');
  if (!existsSync(entry)) {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), '{"private":true}');
    const { status } = spawnSync(
      'npm',
      ['install', '--no-audit', '--no-fund', '--ignore-scripts', PORTKEY],
      {
        cwd: folder,
        stdio: 'ignore',
        timeout: INSTALL_TIMEOUT_MS,
      },
    );
    if (status !== 0 || !existsSync(entry)) return undefined;
  }
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const process_ = await start(process.execPath, [entry, `--port=${port}`, '--headless'], url, {
    NODE_ENV: 'production',
    TRUSTED_CUSTOM_HOSTS: '127.0.0.1,localhost',
  });
  const headers = {
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `${upstream.url}/v1`,
    authorization: 'Bearer unused',
  };
  return { url, headers, ...process_ };
}

/** A bare proxy of Node's http and undici: what any proxy in Node can reach at best. */
const startBareNode = (upstream) =>
  startScript(new URL('bare-proxy.mjs', import.meta.url), upstream.url);

/** By name; those that are not installed are undefined. */
export async function startPeers(folder, upstream) {
  return {
    nginx: await startNginx(folder, upstream),
    haproxy: await startHaproxy(folder, upstream),
    'bare Node proxy': await startBareNode(upstream),
    'Portkey gateway': await startPortkey(upstream),
  };
}
