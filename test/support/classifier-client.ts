import type { Classification, QualityAnswer } from '@switchyard/contracts';
import { root, ServiceProcess } from './service-process.js';

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect and fail where it is not.
  body: any;
}

/** One HTTP call; a body that is no string is sent as JSON, an answer that is JSON comes parsed. */
export async function call(
  { url }: { url: string },
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers,
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? JSON.parse(text) : text,
  };
}

export async function classify(service: { url: string }, text: string): Promise<Classification> {
  const { status, body } = await call(service, 'POST', '/v1/classify', { text });
  if (status !== 200) throw new Error(`classify answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

/** Resolves, with its report, when the scoring is trained on the exemplars there are. */
export async function trained(service: { url: string }): Promise<QualityAnswer> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const { status, body } = await call(service, 'GET', '/v1/quality');
    if (status === 200 && body.current) return body;
  }
  throw new Error('the scoring was not trained within a minute');
}

/** The value of one series without labels in /metrics. */
export async function metric(service: { url: string }, name: string): Promise<number> {
  const { body } = await call(service, 'GET', '/metrics');
  const line = String(body)
    .split('\n')
    .find((text) => text.startsWith(`${name} `));
  return Number(line?.slice(name.length));
}

/** The data of server-sent events, parsed, until the server ends the stream. */
export async function* events(
  service: { url: string },
  path: string,
  signal?: AbortSignal,
  // biome-ignore lint/suspicious/noExplicitAny: as above.
): AsyncGenerator<any> {
  const response = await fetch(service.url + path, { signal: signal ?? null });
  const decoder = new TextDecoder();
  let buffered = '';
  for await (const chunk of response.body ?? []) {
    buffered += decoder.decode(chunk, { stream: true });
    const blocks = buffered.split('\n\n');
    buffered = blocks.pop() ?? '';
    for (const block of blocks)
      if (block.startsWith('data: ')) yield JSON.parse(block.slice('data: '.length));
  }
}

/** A start that is meant to fail: what it said on stderr and its exit code. */
export async function failedStart(
  env: Record<string, string>,
): Promise<{ exit: number | NodeJS.Signals; stderr: string }> {
  const service = ServiceProcess.spawn({
    entry: 'services/classifier/dist/server.js',
    env: {
      CLASSIFIER_PORT: '0',
      MODEL_DIR: process.env.MODEL_DIR ?? `${root}.models`,
      STARTER_EXEMPLARS: 'off',
      ...env,
    },
  });
  const limit = setTimeout(() => service.kill(), 10_000);
  const exit = await service.exit();
  clearTimeout(limit);
  return { exit, stderr: service.stderr };
}
