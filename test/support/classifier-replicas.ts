import type { Classification, Job } from '@switchyard/contracts';
import { call, classify } from './classifier-client.js';
import { eventually } from './eventually.js';
import type { ServiceProcess } from './service-process.js';
import { startClassifier } from './services.js';
import { temporaryDirectory } from './temporary-directory.js';

/** Training of a few thousand exemplars, beside other tests. */
const LEARNING_MS = 60_000;

export interface ReplicaOptions {
  /** REDIS_URL of each one. */
  urls: readonly string[];
  env?: Record<string, string>;
}

/** Real classifiers, each with a directory of its own, on the Redis that their URLs lead to. */
export class Replicas implements AsyncDisposable {
  private constructor(
    private readonly options: ReplicaOptions,
    readonly directories: readonly (AsyncDisposable & { path: string })[],
    readonly services: ServiceProcess[],
  ) {}

  static async start(options: ReplicaOptions): Promise<Replicas> {
    const directories = await Promise.all(options.urls.map(() => temporaryDirectory()));
    const replicas = new Replicas(options, directories, []);
    const started = await Promise.allSettled(options.urls.map((_, index) => replicas.start(index)));
    const failed = started.find((one) => one.status === 'rejected');
    if (!failed) return replicas;
    await replicas[Symbol.asyncDispose]();
    throw failed.reason;
  }

  /** Starts one that is not running, on the directory it had. */
  async start(index: number): Promise<ServiceProcess> {
    const path = this.directories[index]?.path ?? '';
    const env = {
      STARTER_EXEMPLARS: 'off',
      REDIS_URL: this.options.urls[index],
      ...this.options.env,
    };
    const service = await startClassifier(path, env);
    this.services[index] = service;
    return service;
  }

  at(index: number): ServiceProcess {
    const service = this.services[index];
    if (!service) throw new Error(`there is no replica ${index}`);
    return service;
  }

  /** Resolves when all are at the same version, with how long that took. */
  async inStep(): Promise<number> {
    const { tookMs } = await eventually(async () => {
      const versions = await Promise.all(
        this.services.map(async (one) => (await call(one, 'GET', '/ready')).body.indexVersion),
      );
      if (new Set(versions).size > 1) throw new Error(`they are at ${versions}`);
    });
    return tookMs;
  }

  /** Resolves when all are at the same version and have learned all there is in it. */
  async learned(): Promise<void> {
    await eventually(async () => {
      const answers = await Promise.all(
        this.services.map(async (one) => (await call(one, 'GET', '/v1/quality')).body),
      );
      const versions = answers.map(({ indexVersion }) => indexVersion);
      if (new Set(versions).size > 1 || !answers.every(({ current }) => current))
        throw new Error(`they are at ${versions}`);
    }, LEARNING_MS);
  }

  /** What every replica says about its intents, its exemplars and some prompts. */
  async views(prompts: readonly string[]): Promise<ReplicaView[]> {
    return Promise.all(
      this.services.map(async (one) => ({
        intents: (await call(one, 'GET', '/v1/intents')).body.intents,
        exemplars: String((await call(one, 'GET', '/v1/export')).body)
          .trim()
          .split('\n')
          .sort(),
        answers: await Promise.all(prompts.map((prompt) => classify(one, prompt))),
      })),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.services.map((one) => one[Symbol.asyncDispose]()));
    for (const directory of this.directories) await directory[Symbol.asyncDispose]();
  }
}

export interface ReplicaView {
  intents: { name: string; exemplars: number }[];
  exemplars: string[];
  answers: Classification[];
}

/** Waits for the end of a job, as any replica tells it. */
export async function ended(service: { url: string }, id: string, limitMs: number): Promise<Job> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const { body } = await call(service, 'GET', `/v1/jobs/${id}`);
    if (body.state === 'completed' || body.state === 'failed') return body;
    if (Date.now() > deadline) throw new Error(`job is not done: ${JSON.stringify(body)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export const importLine = (intent: string, text: string) => `${JSON.stringify({ intent, text })}\n`;
