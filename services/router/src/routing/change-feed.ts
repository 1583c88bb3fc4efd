import { setTimeout as sleep } from 'node:timers/promises';
import { ChangeEvent } from '@switchyard/contracts';
import type { Logger } from '@switchyard/service-kit';
import { createParser } from 'eventsource-parser';
import { Client } from 'undici';

/** The classifier sends something every second; silence for this long means that it is gone. */
const SILENCE_MS = 3000;
const RECONNECT_MS = 250;
const MAX_EVENT_CHARACTERS = 64 * 1024;

/** Follows `GET /v1/changes`: which index version is current, as long as the classifier is there. */
export class ChangeFeed {
  readonly #stop = new AbortController();
  readonly #onLost: () => void;
  #version: number | undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly url: string,
    private readonly logger: Logger,
    onLost: () => void,
  ) {
    this.#onLost = onLost;
  }

  /** undefined while not connected: then nothing cached may be trusted. */
  get version(): number | undefined {
    return this.#version;
  }

  start(): void {
    this.#loop = this.#follow();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#readOnce().catch((error: unknown) =>
        this.logger.debug({ err: error }, 'the change feed of the classifier broke off'),
      );
      if (this.#version !== undefined) {
        this.#version = undefined;
        this.#onLost();
        if (!signal.aborted) this.logger.warn('lost the change feed of the classifier');
      }
      await sleep(RECONNECT_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One connection, until it ends, breaks or falls silent. */
  async #readOnce(): Promise<void> {
    const { origin, pathname } = new URL(`${this.url}/v1/changes`);
    const client = new Client(origin, {
      connect: { timeout: SILENCE_MS },
      headersTimeout: SILENCE_MS,
      bodyTimeout: SILENCE_MS,
    });
    try {
      const { statusCode, body } = await client.request({
        path: pathname,
        method: 'GET',
        headers: { accept: 'text/event-stream' },
        signal: this.#stop.signal,
      });
      if (statusCode !== 200) return;
      const parser = createParser({
        onEvent: ({ data }) => this.#learn(data),
        maxBufferSize: MAX_EVENT_CHARACTERS,
      });
      const decoder = new TextDecoder();
      for await (const chunk of body) parser.feed(decoder.decode(chunk, { stream: true }));
    } finally {
      await client.destroy();
    }
  }

  #learn(data: string): void {
    const { indexVersion } = ChangeEvent.parse(JSON.parse(data));
    if (this.#version === undefined)
      this.logger.info({ indexVersion }, 'following the changes of the classifier');
    this.#version = indexVersion;
  }
}
