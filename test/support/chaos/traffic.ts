import { setTimeout as sleep } from 'node:timers/promises';
import type { Replicas } from '../replicas.js';
import { LEAVING } from './load-watch.js';

/**
 * `served`: to its end. `left`: the client went. `failed`: an error instead of an answer. `cut`: an
 * answer that began and broke off. `lost`: the router did not answer.
 */
export type Outcome = 'served' | 'left' | 'failed' | 'cut' | 'lost';

export interface Asked {
  /** What went on when it was sent, and when it ended. */
  phase: string;
  endPhase: string;
  startedAt: number;
  totalMs: number;
  pid: number;
  outcome: Outcome;
  /** Of an answer that began. */
  backend?: string;
  /** What the client saw of a failure. */
  detail?: string;
}

export interface TrafficOptions {
  random: () => number;
  requestsPerSecond: number;
  /** `pool:NAME` -> share of the requests. */
  models: Record<string, number>;
  phase: () => string;
  /** Share of the clients that leave before they have their answer; 0.15 unless given. */
  leaving?: number;
  /** A connection for each request: one that is kept may be closed as a request is written. */
  connectAnew?: boolean;
}

/** Longer than any request may wait and run: one that takes longer was forgotten by somebody. */
const PATIENCE_MS = 45_000;

/** Requests that come whether or not those before them were served, as those of many users do. */
export class Traffic {
  readonly asked: Asked[] = [];
  readonly #running = new Set<Promise<void>>();
  #ends = false;
  #loop: Promise<void> | undefined;

  constructor(
    private readonly replicas: Replicas,
    private readonly options: TrafficOptions,
  ) {}

  start(): void {
    this.#loop = this.#run();
  }

  /** Resolves when the last one has its answer. */
  async stop(): Promise<void> {
    this.#ends = true;
    await this.#loop;
    await Promise.all(this.#running);
  }

  async #run(): Promise<void> {
    const { random, requestsPerSecond } = this.options;
    let due = performance.now();
    while (!this.#ends) {
      const request = this.#ask().finally(() => this.#running.delete(request));
      this.#running.add(request);
      due += (-Math.log(1 - random()) * 1000) / requestsPerSecond;
      await sleep(Math.max(0, due - performance.now()));
    }
  }

  async #ask(): Promise<void> {
    const { random, phase } = this.options;
    const kind = random();
    const stream = kind < 0.7;
    const { leaving: share = 0.15 } = this.options;
    const leaves = kind > 1 - (share * 2) / 3 || kind < share / 3;
    const body = {
      model: this.#model(random()),
      stream,
      max_tokens: 1 + Math.floor(random() * (stream ? 30 : 8)),
    };
    const leaving = AbortSignal.timeout(leaves ? 20 + Math.floor(random() * 300) : PATIENCE_MS);
    const first = Math.floor(random() * this.replicas.routers.length);
    const asked = { phase: phase(), startedAt: Date.now(), started: performance.now() };
    const end = await this.#send(first, body, { signal: leaving, leaves });
    const outcome = leaves && leaving.aborted ? 'left' : end.outcome;
    const { started, ...rest } = asked;
    const totalMs = Math.round(performance.now() - started);
    this.asked.push({ ...rest, endPhase: phase(), totalMs, ...end, outcome });
  }

  /** Another router is asked only when one refuses the connection. */
  async #send(
    first: number,
    body: Record<string, unknown>,
    { signal, leaves }: { signal: AbortSignal; leaves: boolean },
  ) {
    const { routers } = this.replicas;
    const headers = {
      'content-type': 'application/json',
      ...(leaves && { [LEAVING]: 'yes' }),
      ...(this.options.connectAnew && { connection: 'close' }),
    };
    for (let turn = 0; ; turn++) {
      const index = (first + turn) % routers.length;
      const { pid } = this.replicas.router(index);
      let response: Response;
      try {
        response = await this.replicas.chat(index, body, { signal, headers });
      } catch (error) {
        const { code, message } = causeOf(error);
        if (code === 'ECONNREFUSED' && turn < routers.length) continue;
        return { pid, outcome: 'lost' as const, detail: code ?? message };
      }
      return { pid, ...(await readToEnd(response, body.stream === true)) };
    }
  }

  #model(at: number): string {
    let left = at;
    for (const [model, share] of Object.entries(this.options.models)) {
      left -= share;
      if (left < 0) return model;
    }
    return Object.keys(this.options.models)[0] ?? 'auto';
  }
}

async function readToEnd(
  response: Response,
  stream: boolean,
): Promise<Pick<Asked, 'outcome' | 'backend' | 'detail'>> {
  const backend = response.headers.get('x-switchyard-backend') ?? '';
  try {
    const text = await response.text();
    if (response.status !== 200)
      return { outcome: 'failed', backend, detail: `${response.status} ${text}` };
    const whole = stream ? text.endsWith('data: [DONE]\n\n') : isJson(text);
    return whole ? { outcome: 'served', backend } : { outcome: 'cut', backend };
  } catch (error) {
    return { outcome: 'cut', backend, detail: causeOf(error).message };
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function causeOf(error: unknown): { code?: string; message: string } {
  const { cause, message } = error as Error & { cause?: { code?: string; message: string } };
  return cause ?? { message };
}
