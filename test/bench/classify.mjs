/**
 * `npm run bench -- classify [--rounds N] [--workers N]`: a classify call over HTTP against the
 * bare model, in one run: rounds of A B C A B C, one call at a time; then throughput. Needs
 * `npm run setup`; takes about half a second a round. Prints a table and, last, a line of JSON. The
 * best tenth of the calls shows what a machine gives that others use, too.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadSentenceEncoder } from '../../services/classifier/dist/embedding/sentence-encoder.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '40' },
    workers: { type: 'string', default: '1' },
    port: { type: 'string', default: '0' },
  },
});
const ROUNDS = Number(options.rounds);
const CALLS = { 8: 30, 100: 8, 400: 4 };
/** Rounds whose times do not count. */
const WARM_UP = 10;
const CONCURRENCY = 16;
const THROUGHPUT_MS = 2500;
const modelDir = process.env.MODEL_DIR ?? join(root, '.models');

const WORDS = (
  'how do I write a function that sorts the list of names in my code please explain why this does ' +
  'not work when it is empty what would you say about love and loss translate these words into ' +
  'French summarize the following text for me quickly solve this equation and show every step is ' +
  'it raining tomorrow tell me a story about dragons'
).split(' ');
let seed = 1;
const random = (below) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
};
/** Never the same twice. */
const text = (words) => Array.from({ length: words }, () => WORDS[random(WORDS.length)]).join(' ');

const quantile = (times, q) => {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
};

/** One connection that is kept, and a client that does next to nothing. */
function open(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let answered;
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    received += chunk;
    const head = received.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(received)?.[1]);
    if (received.length < head + 4 + length) return;
    if (!received.startsWith('HTTP/1.1 200')) throw new Error(received);
    received = '';
    answered();
  });
  return {
    classify: (prompt) =>
      new Promise((resolve) => {
        answered = resolve;
        const body = JSON.stringify({ text: prompt });
        socket.write(
          `POST /v1/classify HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n` +
            `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
        );
      }),
    close: () => socket.destroy(),
  };
}

async function startClassifier(dataDir) {
  const child = spawn(process.execPath, ['services/classifier/dist/server.js'], {
    cwd: root,
    env: {
      ...process.env,
      CLASSIFIER_PORT: options.port,
      DATA_DIR: dataDir,
      MODEL_DIR: modelDir,
      EMBEDDING_WORKERS: options.workers,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let port = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, url } = JSON.parse(line);
    if (msg === 'listening') port = Number(new URL(url).port);
    if (msg === 'ready') break;
  }
  child.stdout.resume();
  return { child, port };
}

async function times(count, call) {
  const taken = [];
  for (let n = 0; n < count; n++) {
    const started = performance.now();
    await call();
    taken.push(performance.now() - started);
  }
  return taken;
}

async function throughput(port) {
  const clients = Array.from({ length: CONCURRENCY }, () => open(port));
  const until = performance.now() + THROUGHPUT_MS;
  let done = 0;
  const latencies = [];
  await Promise.all(
    clients.map(async ({ classify }) => {
      while (performance.now() < until) {
        const started = performance.now();
        await classify(text(8));
        latencies.push(performance.now() - started);
        done++;
      }
    }),
  );
  for (const { close } of clients) close();
  return {
    perSecond: (1000 * done) / THROUGHPUT_MS,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  };
}

const dataDir = await mkdtemp(join(tmpdir(), 'switchyard-bench-'));
const { child, port } = await startClassifier(dataDir);
try {
  const encode = await loadSentenceEncoder({
    model: join(modelDir, 'all-MiniLM-L6-v2'),
    remote: false,
    dtype: 'q8',
    maxTokens: 128,
  });
  const client = open(port);
  const samples = new Map();
  const sample = (name, taken) => samples.set(name, [...(samples.get(name) ?? []), ...taken]);
  const repeated = text(8);
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const [words, calls] of Object.entries(CALLS)) {
      const bare = await times(calls, () => encode(text(words)));
      const http = await times(calls, () => client.classify(text(words)));
      if (round >= 0) sample(`bare model, ${words} words`, bare);
      if (round >= 0) sample(`classify, ${words} words`, http);
    }
    const again = await times(CALLS[8], () => client.classify(repeated));
    if (round >= 0) sample('classify, the same 8 words again', again);
  }
  client.close();
  const rows = [...samples].map(([what, taken]) => {
    const words = /\d+/.exec(what)?.[0];
    const bare = quantile(samples.get(`bare model, ${words} words`), 0.5);
    const best = quantile(samples.get(`bare model, ${words} words`), 0.1);
    const [p10, p50, p99] = [0.1, 0.5, 0.99].map((q) => quantile(taken, q));
    const ratios = { ratio: p50 / bare, ratioOfBest: p10 / best };
    return { what, calls: taken.length, p10, p50, p99, ...ratios };
  });
  const many = await throughput(port);
  const shown = (value) => value.toFixed(3);
  const texts = ({ what, calls, ...numbers }) => [
    what,
    { calls, ...Object.fromEntries(Object.entries(numbers).map(([k, v]) => [k, shown(v)])) },
  ];
  console.table(Object.fromEntries(rows.map(texts)));
  console.log(
    `${CONCURRENCY} at a time, 8 words: ${many.perSecond.toFixed(0)} a second, ` +
      `p50 ${shown(many.p50)} ms, p99 ${shown(many.p99)} ms`,
  );
  console.log(JSON.stringify({ workers: Number(options.workers), rows, throughput: many }));
} finally {
  child.kill('SIGTERM');
  await new Promise((resolve) => child.once('close', resolve));
  await rm(dataDir, { recursive: true, force: true });
}
