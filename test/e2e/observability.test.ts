import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import type { ServiceProcess } from '../support/service-process.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

interface Attribute {
  key: string;
  value: { stringValue?: string; intValue?: number | string; doubleValue?: number };
}
interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
}

const attributeOf = ({ attributes }: Pick<Span, 'attributes'>, name: string) => {
  const { stringValue, intValue, doubleValue } =
    attributes.find(({ key }) => key === name)?.value ?? {};
  return stringValue ?? doubleValue ?? (intValue === undefined ? undefined : Number(intValue));
};

/** Takes OTLP/HTTP in JSON, as a collector does. */
class OtlpReceiver implements AsyncDisposable {
  readonly spans: Span[] = [];
  // biome-ignore lint/suspicious/noExplicitAny: as the protocol has it.
  readonly metrics: any[] = [];
  readonly authorization = new Set<string | undefined>();
  readonly #server = createServer((request, response) => {
    void this.#take(request).then(() => response.end('{}'));
  });

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #take(request: IncomingMessage): Promise<void> {
    const body = JSON.parse(await text(request));
    this.authorization.add(request.headers.authorization);
    const inner = (outer: { scopeSpans?: object[]; scopeMetrics?: object[] }) =>
      (outer.scopeSpans ?? outer.scopeMetrics ?? []) as { spans?: Span[]; metrics?: object[] }[];
    for (const one of [...(body.resourceSpans ?? []), ...(body.resourceMetrics ?? [])].flatMap(
      inner,
    )) {
      this.spans.push(...(one.spans ?? []));
      this.metrics.push(...(one.metrics ?? []));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

let receiver: OtlpReceiver;
let classifier: ServiceProcess;
let fleet: Fleet;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeAll(async () => {
  directory = await temporaryDirectory();
  receiver = await OtlpReceiver.start();
  classifier = await startClassifier(directory.path);
  fleet = await Fleet.start({
    pools: { chat: ['chat'], code: ['code'] },
    settings: { routes: { 'code generation': 'code' } },
    classifierUrl: classifier.url,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20collector',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_METRIC_EXPORT_INTERVAL: '300',
    },
  });
});
afterAll(async () => {
  await fleet?.[Symbol.asyncDispose]();
  await classifier?.[Symbol.asyncDispose]();
  await receiver?.[Symbol.asyncDispose]();
  await directory?.[Symbol.asyncDispose]();
});

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

async function ask(content: string, headers: Record<string, string> = {}, stream = false) {
  const response = await fetch(`${fleet.router.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({
      model: 'auto',
      stream,
      ...(stream && { stream_options: { include_usage: true } }),
      messages: [{ role: 'user', content }],
    }),
  });
  await response.text();
  return response;
}

test('the log, a trace and the metrics say the same of a request', async () => {
  const requestId = 'request-of-the-observer';
  const { status } = await ask('Write a Python function to sort a list', {
    'x-request-id': requestId,
    traceparent: `00-${TRACE}-${PARENT}-01`,
  });
  expect(status).toBe(200);

  const { result: line } = await eventually(() => {
    const found = fleet.router.log.filter((one) => one.requestId === requestId);
    expect(found).toHaveLength(1);
    return found[0] as Record<
      string,
      number | string | { inputTokens: number; outputTokens: number }
    >;
  });
  expect(line).toMatchObject({
    msg: 'request',
    traceId: TRACE,
    source: 'classifier',
    intent: 'code generation',
    pool: 'code',
    backend: 'code',
    status: 200,
    usage: { inputTokens: expect.any(Number), outputTokens: expect.any(Number) },
  });

  const { result: root } = await eventually(() => {
    const found = receiver.spans.find(
      (span) => attributeOf(span, 'switchyard.request_id') === requestId,
    );
    expect(found).toBeDefined();
    return found as Span;
  });
  expect(root).toMatchObject({ traceId: TRACE, parentSpanId: PARENT });
  expect(root.name).toBe('POST /v1/chat/completions');
  for (const field of ['intent', 'pool', 'backend', 'source', 'confidence'])
    expect(attributeOf(root, `switchyard.${field}`)).toBe(line[field]);
  expect(attributeOf(root, 'switchyard.total_ms')).toBeCloseTo(line.totalMs as number, 6);
  expect(attributeOf(root, 'switchyard.first_byte_ms')).toBeCloseTo(line.firstByteMs as number, 6);
  const { inputTokens, outputTokens } = line.usage as { inputTokens: number; outputTokens: number };
  expect(attributeOf(root, 'gen_ai.usage.input_tokens')).toBe(inputTokens);
  expect(attributeOf(root, 'gen_ai.usage.output_tokens')).toBe(outputTokens);

  const children = receiver.spans.filter(({ parentSpanId }) => parentSpanId === root.spanId);
  expect(children.map(({ name }) => name).sort()).toEqual(['attempt code/code', 'classify']);
  for (const child of children) {
    expect(BigInt(child.startTimeUnixNano)).toBeGreaterThanOrEqual(
      BigInt(root.startTimeUnixNano) - 2_000_000n,
    );
    expect(BigInt(child.endTimeUnixNano)).toBeLessThanOrEqual(
      BigInt(root.endTimeUnixNano) + 2_000_000n,
    );
  }

  const accept = 'application/openmetrics-text; version=1.0.0';
  const scrape = (headers: Record<string, string> = {}) =>
    fetch(`${fleet.router.url}/metrics`, { headers });
  const openMetrics = await (await scrape({ accept })).text();
  expect(openMetrics).toMatch(/# EOF\n$/);
  const exemplar = new RegExp(
    `switchyard_request_duration_seconds_bucket\\{.*pool="code".*\\} 1 # \\{request_id="${requestId}",trace_id="${TRACE}"\\} ([\\d.]+)`,
  ).exec(openMetrics);
  expect(Number(exemplar?.[1]) * 1000).toBeCloseTo(line.totalMs as number, 3);
  const plain = await (await scrape()).text();
  expect(plain).toMatch(
    /switchyard_requests_total\{source="classifier",intent="code generation",pool="code",backend="code",variant="none",status="200",outcome="complete"\} 1/,
  );
  expect(plain).toContain(
    `switchyard_tokens_total{pool="code",backend="code",type="output"} ${outputTokens}`,
  );
  expect(plain).not.toContain('# EOF');
});

test('a backend gets the trace to go on with, and the collector what lets us in', async () => {
  await ask('hi there', { traceparent: `00-${TRACE}-${PARENT}-01` });
  const received = fleet.backend('chat').requests();
  const { traceparent } = received.at(-1)?.headers ?? {};
  expect(traceparent).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
  expect(traceparent).not.toContain(PARENT);
  await eventually(() => expect(receiver.authorization).toEqual(new Set(['Bearer collector'])));
});

test('a request without a trace gets one of its own', async () => {
  const { headers } = await ask('good morning');
  const requestId = headers.get('x-request-id');
  const { result: root } = await eventually(() => {
    const found = receiver.spans.find(
      (span) => attributeOf(span, 'switchyard.request_id') === requestId,
    );
    expect(found).toBeDefined();
    return found as Span;
  });
  expect(root.traceId).not.toBe(TRACE);
  expect(root.parentSpanId ?? '').toBe('');
});

test('GenAI metrics tell time to first token, duration and tokens, of streams too', async () => {
  await ask('Write a Rust function that parses JSON', {}, true);
  const wanted = [
    'gen_ai.server.request.duration',
    'gen_ai.server.time_to_first_token',
    'gen_ai.client.token.usage',
    'gen_ai.server.time_per_output_token',
  ];
  await eventually(() => {
    expect(new Set(receiver.metrics.map(({ name }) => name))).toEqual(new Set(wanted));
  });
  const latest = receiver.metrics.findLast(({ name }) => name === 'gen_ai.client.token.usage');
  const points = latest.histogram.dataPoints.filter(
    (point: Pick<Span, 'attributes'>) => attributeOf(point, 'switchyard.pool') === 'code',
  );
  expect(
    new Set(points.map((p: Pick<Span, 'attributes'>) => attributeOf(p, 'gen_ai.token.type'))),
  ).toEqual(new Set(['input', 'output']));
});

test('a collector that is gone costs requests nothing', async () => {
  await receiver[Symbol.asyncDispose]();
  for (let n = 0; n < 20; n++) expect((await ask(`still there? ${n}`)).status).toBe(200);
  expect(await fleet.router.kill('SIGTERM')).toBe(0);
});
