import { parseArgs } from 'node:util';
import { Classification, Job, type QualityAnswer } from '@switchyard/contracts';
import { userPath } from '@switchyard/service-kit';
import { type Answered, evaluation } from '../quality/evaluation.js';
import { readDataset } from './dataset.js';
import { evaluationTable } from './evaluation-table.js';
import { OwnClassifier } from './own-classifier.js';
import { type Split, split } from './split.js';

const USAGE = `usage: npm run eval -- <dataset file> [--shots N] [--seed S | --in-order] [--alpha A]

  <dataset file>  .json as CLINC150 has it, .csv or .ndjson with text and intent (and split: train, test).
                  Prompts whose intent is empty, oos, out_of_scope or none are out of scope
  --shots N       exemplars of each intent, drawn at random
  --seed S        another draw than 1; the same number draws the same ones
  --in-order      the first in the file instead: where neighbours resemble each other, fewer ways to say it
  --alpha A       share of in-scope prompts one accepts to lose (0.05)
  --json          print one JSON object instead of a table`;
const SEED = 1;
const CLASSIFIED_AT_ONCE = 64;

/** `npm run eval`: what the classifier makes of a dataset, through its API. */
async function main(): Promise<void> {
  const given = readArguments();
  if (!given) return void process.stdout.write(`${USAGE}\n`);
  const { path, json, alpha, ...options } = given;
  const prompts = split(readDataset(path), options);
  if (prompts.train.length === 0)
    throw new Error(`${path}: there is no prompt of an intent in it to train on`);
  if (prompts.test.length === 0)
    throw new Error(
      `${path}: nothing is left to test with; give --shots, fewer than there are prompts of an intent`,
    );
  await using classifier = await OwnClassifier.start();
  const { url } = classifier;
  if (alpha !== undefined) await send(url, 'PUT', '/v1/settings', JSON.stringify({ alpha }));
  const started = performance.now();
  const job = await load(url, prompts.train);
  const trainedMs = performance.now() - started;
  const answered = await classifyAll(url, prompts.test);
  const quality = (await (await fetch(`${url}/v1/quality`)).json()) as QualityAnswer;
  const known = new Set(prompts.train.map(({ intent }) => intent));
  const result = { chosen: options, job, trainedMs, quality, ...evaluation(answered, known) };
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : evaluationTable(result));
}

/** undefined for --help. */
function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      shots: { type: 'string' },
      seed: { type: 'string' },
      'in-order': { type: 'boolean', default: false },
      alpha: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const number = (name: 'shots' | 'seed' | 'alpha', pattern: RegExp, wanted: string) => {
    const value = values[name];
    if (value === undefined) return undefined;
    if (!pattern.test(value)) throw new Error(`--${name}: must be ${wanted}, not ${value}`);
    return Number(value);
  };
  if (values.help) return undefined;
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0) throw new Error(USAGE);
  const inOrder = values['in-order'];
  const seed = number('seed', /^\d+$/, 'a whole number');
  if (inOrder && seed !== undefined)
    throw new Error('--seed draws at random: give it or --in-order');
  return {
    path: userPath(path, process.env),
    shots: number('shots', /^[1-9]\d*$/, 'a whole number from 1 on'),
    seed: inOrder ? undefined : (seed ?? SEED),
    alpha: number('alpha', /^(0|1|0?\.\d+)$/, 'a number from 0 to 1'),
    json: values.json,
  };
}

async function send(url: string, method: string, path: string, body: string): Promise<unknown> {
  const response = await fetch(url + path, { method, body });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
  return answer;
}

/** Imports, and waits until the scoring is trained on all of it. */
async function load(url: string, lines: Split['train']): Promise<Job> {
  const ndjson = lines.map(({ intent, text }) => JSON.stringify({ intent, text })).join('\n');
  const { job } = (await send(url, 'POST', '/v1/import', ndjson)) as { job: { id: string } };
  const events = await fetch(`${url}/v1/jobs/${job.id}/events`);
  await events.text();
  const done = Job.parse(await (await fetch(`${url}/v1/jobs/${job.id}`)).json());
  if (done.state !== 'completed') throw new Error(`the import ended as ${JSON.stringify(done)}`);
  return done;
}

async function classifyAll(url: string, prompts: Split['test']): Promise<Answered[]> {
  const answered: Answered[] = [];
  for (let from = 0; from < prompts.length; from += CLASSIFIED_AT_ONCE) {
    const some = prompts.slice(from, from + CLASSIFIED_AT_ONCE);
    const texts = some.map(({ text }) => text);
    const { results } = (await send(url, 'POST', '/v1/classify', JSON.stringify({ texts }))) as {
      results: unknown[];
    };
    for (const [i, one] of some.entries())
      answered.push({ ...one, answer: Classification.parse(results[i]) });
  }
  return answered;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
