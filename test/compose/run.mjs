/**
 * `npm run test:compose`: the compose deployment, tried from outside on a machine with a Docker engine:
 * three routers, two classifiers, Redis and simulated backends. Prompts find their pool, an exemplar
 * reaches every classifier, routers share counts; a router, a classifier and Redis are stopped one after
 * the other under traffic; all exemplars survive `down` and `up`. Uses a project of its own and ports
 * 9000 and 9001 (ROUTER_PORT, CLASSIFIER_PORT for others); takes some minutes and removes what it made.
 */
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const routerUrl = `http://127.0.0.1:${process.env.ROUTER_PORT ?? 9000}`;
const classifierUrl = `http://127.0.0.1:${process.env.CLASSIFIER_PORT ?? 9001}`;
const REQUEST_TIMEOUT_MS = 20_000;
const compose = works('docker', ['compose', 'version'])
  ? ['docker', 'compose']
  : ['docker-compose'];

/** @param {string} command @param {string[]} args */
function works(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** @param {string[]} args */
function run(...args) {
  const [command = '', ...first] = compose;
  const all = [...first, '-p', 'switchyard-test', ...args];
  const { status, stdout, stderr } = spawnSync(command, all, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0)
    throw new Error(`${compose.join(' ')} ${args.join(' ')}:\n${stdout}\n${stderr}`);
  return stdout;
}

/** @param {string[]} args */
function docker(...args) {
  const { status, stdout, stderr } = spawnSync('docker', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** @param {string} bytes */
const megabytes = (bytes) => Math.round(Number(bytes) / 1e6);

/** @param {string} what @param {unknown} detail */
const report = (what, detail = '') => process.stdout.write(`  ${what} ${detail}\n`);

/** @param {boolean} fact @param {string} what @param {unknown} [detail] */
function check(fact, what, detail = '') {
  if (!fact) throw new Error(`not so: ${what} ${JSON.stringify(detail)}`);
  report(`ok: ${what}`, typeof detail === 'string' ? detail : JSON.stringify(detail));
}

/** @param {string} url @param {unknown} [body] @param {string} [method] */
async function call(url, body, method = body === undefined ? 'GET' : 'POST') {
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

/** Inside a container, which is not published. @param {string} service @param {number} index @param {string} path */
function ask(service, index, path, body = '') {
  const port = service === 'router' ? 9000 : 9001;
  const init = body === '' ? '{}' : `{method:'POST',body:${JSON.stringify(body)}}`;
  const code = `fetch('http://127.0.0.1:${port}${path}',${init}).then(r=>r.text()).then(t=>console.log(t))`;
  return JSON.parse(run('exec', '-T', `--index=${index}`, service, 'node', '-e', code));
}

/** @param {() => Promise<boolean> | boolean} holds */
async function eventually(holds, what = 'it', limitMs = 60_000) {
  const started = performance.now();
  for (;;) {
    if (await Promise.resolve(holds()).catch(() => false))
      return Math.round(performance.now() - started);
    if (performance.now() - started > limitMs) throw new Error(`${what} did not come true`);
    await sleep(100);
  }
}

/** Every exemplar, in an order that does not depend on how Redis keeps them. */
async function exported() {
  const { text: lines } = await call(`${classifierUrl}/v1/export`);
  return lines.trim().split('\n').sort();
}

const ready = () =>
  eventually(async () => {
    const answers = await Promise.all([call(`${routerUrl}/ready`), call(`${classifierUrl}/ready`)]);
    return answers.every(({ status }) => status === 200);
  }, 'ready');

/** @param {string} content */
const chat = (content, extra = /** @type {object} */ ({})) =>
  call(`${routerUrl}/v1/chat/completions`, {
    model: 'auto',
    messages: [{ role: 'user', content }],
    ...extra,
  });

const PROMPTS = [
  'Write a Python function to sort a list',
  'I feel anxious about my deadline',
  'fix this TypeError in my React code',
  'tell me a story about a dragon',
];

/**
 * Steady requests, every third one a stream, while something happens to the deployment.
 * @param {string} what @param {() => Promise<void>} happen
 */
async function underTraffic(what, happen, mayLose = 0) {
  /** @type {string[]} */
  const failures = [];
  let count = 0;
  let going = true;
  const worker = async () => {
    while (going) {
      const n = count++;
      const prompt = `${PROMPTS[n % PROMPTS.length]} (${n % 50})`;
      try {
        const stream = n % 3 === 0;
        const { status, text } = await chat(prompt, { stream });
        const complete = stream ? text.trimEnd().endsWith('data: [DONE]') : text.endsWith('}');
        if (status !== 200) failures.push(`status ${status}: ${text.slice(0, 120)}`);
        else if (!complete) failures.push(`cut: ${text.slice(-80)}`);
      } catch (error) {
        failures.push(String(error));
      }
      await sleep(50);
    }
  };
  const workers = Array.from({ length: 8 }, worker);
  await sleep(1000);
  try {
    await happen();
    await sleep(3000);
  } finally {
    going = false;
    await Promise.all(workers);
  }
  const detail = { requests: count, lost: failures.length, failures: failures.slice(0, 5) };
  // Those in flight on a router that is killed cannot be saved by anybody.
  check(failures.length <= mayLose, `${what}: no more than ${mayLose} requests lost`, detail);
}

const SCALE = ['--scale', 'router=3', '--scale', 'classifier=2'];
const text = 'The penguin enclosure needs new fish';

try {
  report('building');
  run('build');
  let started = performance.now();
  run('up', '-d', ...SCALE);
  await ready();
  report('up and ready after', `${Math.round(performance.now() - started)} ms`);

  for (const [prompt, pool] of /** @type {[string, string][]} */ ([
    [PROMPTS[0], 'code'],
    [PROMPTS[1], 'chat'],
  ])) {
    const { status, headers } = await chat(prompt);
    const where = headers.get('x-switchyard-pool');
    check(status === 200 && where === pool, `"${prompt}" goes to ${pool}`, { status, where });
  }

  const prompts = [
    text,
    'Feed the penguins',
    'How tall is a penguin?',
    'The penguins moult',
    'Count the penguin chicks',
  ];
  const { status } = await call(`${classifierUrl}/v1/intents/penguins/exemplars`, {
    texts: prompts,
  });
  check(status === 201, 'exemplars are added', { status });
  for (const index of [1, 2]) {
    const tookMs = await eventually(
      () =>
        ask('classifier', index, '/v1/classify', JSON.stringify({ text })).intent === 'penguins',
      `classifier ${index} knows them`,
    );
    report(
      `ok: classifier ${index} knows them after`,
      `${tookMs} ms, most of it starting the question`,
    );
  }

  const slow = Array.from({ length: 6 }, () =>
    call(`${routerUrl}/v1/chat/completions`, {
      model: 'pool:code',
      max_tokens: 400,
      messages: [{ role: 'user', content: 'a long answer, please' }],
    }),
  );
  await sleep(1000);
  const seen = [1, 2, 3].map((index) => {
    const { pools } = ask('router', index, '/status');
    const { backends, connections } = pools.find(({ name }) => name === 'code');
    const sum = (/** @type {string} */ field) =>
      backends.reduce(
        (/** @type {number} */ all, /** @type {Record<string, number>} */ one) => all + one[field],
        0,
      );
    return { here: sum('inFlight'), cluster: sum('inFlightCluster'), ...connections };
  });
  check(
    seen.every(({ counts, replicas }) => counts === 'shared' && replicas === 3),
    'the three routers share counts',
    seen,
  );
  check(
    Math.max(...seen.map(({ cluster }) => cluster)) >= 6,
    'each sees the requests of the others',
    seen,
  );
  await Promise.all(slow);

  for (const [service, pause] of /** @type {[string, number][]} */ ([
    ['router', 2000],
    ['classifier', 2000],
    ['redis', 4000],
  ])) {
    await underTraffic(`one ${service} stopped for ${pause} ms and started again`, async () => {
      const [id = ''] = run('ps', '-q', service).trim().split('\n');
      docker('stop', '-t', '40', id);
      await sleep(pause);
      docker('start', id);
    });
    await ready();
  }
  await underTraffic(
    'one router killed',
    async () => {
      const [id = ''] = run('ps', '-q', 'router').trim().split('\n');
      docker('kill', id);
      await sleep(2000);
      docker('start', id);
    },
    16,
  );

  const before = await exported();
  run('down');
  started = performance.now();
  run('up', '-d', ...SCALE);
  await ready();
  report('down, up and ready after', `${Math.round(performance.now() - started)} ms`);
  const after = await exported();
  check(after.join() === before.join() && before.join().includes(text), 'every exemplar is there', {
    before: before.length,
    after: after.length,
    missing: before.filter((line) => !after.includes(line)).slice(0, 3),
    extra: after.filter((line) => !before.includes(line)).slice(0, 3),
  });
  check(
    JSON.parse((await call(`${classifierUrl}/v1/classify`, { text })).text).intent === 'penguins',
    'and classifies',
  );
  for (const name of ['router', 'classifier']) {
    const size = docker('image', 'inspect', '-f', '{{.Size}}', `switchyard/${name}`);
    const base = docker('image', 'inspect', '-f', '{{.Size}}', 'node:24-bookworm-slim');
    report(
      `image of the ${name}`,
      `${megabytes(size)} MB, ${megabytes(String(Number(size) - Number(base)))} MB of them on top of Node's`,
    );
  }
  process.stdout.write('all is as it should be\n');
} finally {
  process.stdout.write('removing\n');
  run('down', '-v');
}
