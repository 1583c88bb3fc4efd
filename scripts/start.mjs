import { createServer } from 'node:net';
import { join } from 'node:path';
import { root, serviceEnvironment } from './environment.mjs';
import { prepare } from './prepare.mjs';
import { Supervisor } from './supervisor.mjs';

const READY_TIMEOUT_MS = 60_000;

/** The backends of config/demo.yaml, and the variables through which it finds them. */
const simulated = [
  { name: 'code-a', port: 9101, variable: 'SIMULATED_CODE_A_URL' },
  { name: 'code-b', port: 9102, variable: 'SIMULATED_CODE_B_URL' },
  { name: 'chat', port: 9103, variable: 'SIMULATED_CHAT_URL' },
  { name: 'fast', port: 9104, variable: 'SIMULATED_FAST_URL' },
];

await prepare();

const env = serviceEnvironment();
const routerUrl = localUrl(env.ROUTER_HOST, env.ROUTER_PORT || '9000');
const classifierUrl = localUrl(env.CLASSIFIER_HOST, env.CLASSIFIER_PORT || '9001');
env.CLASSIFIER_URL ||= classifierUrl;

const supervisor = new Supervisor(env);
if (!env.SWITCHYARD_CONFIG)
  for (const { name, port, variable } of simulated) {
    const free = String(await freePort(port));
    env[variable] = `http://127.0.0.1:${free}`;
    const cli = join(root, 'packages/simulated-backend/dist/cli.js');
    supervisor.start(name, cli, ['--port', free, '--name', name], `${env[variable]}/health`);
  }
supervisor.start(
  'classifier',
  join(root, 'services/classifier/dist/server.js'),
  [],
  `${classifierUrl}/ready`,
);
supervisor.start('router', join(root, 'services/router/dist/server.js'), [], `${routerUrl}/ready`);
await supervisor.ready(READY_TIMEOUT_MS);
process.stdout.write(banner());

/**
 * How this machine reaches what listens on a host.
 * @param {string | undefined} host
 * @param {string} port
 */
function localUrl(host, port) {
  const reachable = !host || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/**
 * This port, or another one when it is taken.
 * @param {number} wanted
 * @returns {Promise<number>}
 */
function freePort(wanted) {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', () => (wanted === 0 ? reject : resolve)(freePort(0)));
    probe.listen(wanted, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(address && typeof address === 'object' ? address.port : wanted));
    });
  });
}

function banner() {
  /** @param {string} prompt */
  const curl = (prompt) =>
    `  curl -si ${routerUrl}/v1/chat/completions -H 'content-type: application/json' \\\n` +
    `    -d '{"model": "auto", "messages": [{"role": "user", "content": "${prompt}"}]}'`;
  return `
Switchyard is running.

  router      ${routerUrl}      OpenAI base URL: ${routerUrl}/v1
  classifier  ${classifierUrl}
  backends    ${env.SWITCHYARD_CONFIG ?? simulated.map(({ name, variable }) => `${name} ${env[variable]}`).join(', ')}

Try (the x-switchyard-* headers say where a prompt went, and why):

${['Write a Python function to sort a list', 'I feel anxious about my deadline', 'hi'].map(curl).join('\n\n')}

Ctrl-C stops everything.

`;
}
