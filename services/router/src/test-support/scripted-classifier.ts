import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Classification } from '@switchyard/contracts';
import { httpServer, type TestServer } from './servers.js';

export const classification = (
  intent: string | null,
  indexVersion = 1,
  confidence = 0.9,
): Classification => ({
  intent,
  confidence,
  score: confidence,
  scopeScore: confidence,
  inScope: intent !== null,
  alternatives: [],
  indexVersion,
});

type Answer = (prompt: string, response: ServerResponse) => void | Promise<void>;

/** Answers every prompt with this intent (by default `intent of <prompt>`) at the current version. */
export const answering =
  (classifier: ScriptedClassifier, intent?: string | null): Answer =>
  (prompt, response) => {
    const named = intent === undefined ? `intent of ${prompt}` : intent;
    response.end(JSON.stringify(classification(named, classifier.version)));
  };

/** A server with the classifier's API whose every answer a test decides: also the wrong ones. */
export class ScriptedClassifier implements AsyncDisposable {
  version = 1;
  /** Prompts of the calls that arrived, in order. */
  readonly asked: string[] = [];
  answer: Answer = answering(this);
  /** What `GET /v1/changes` does; by default it opens a stream and tells the version. */
  onFeed: (response: ServerResponse) => void = (response) => this.#openFeed(response);
  feedsOpened = 0;
  readonly #feeds = new Set<ServerResponse>();
  #server: TestServer | undefined;

  private constructor(
    private readonly host: string | undefined,
    public port: number,
  ) {}

  static async start(at: { host?: string; port?: number } = {}): Promise<ScriptedClassifier> {
    const classifier = new ScriptedClassifier(at.host, at.port ?? 0);
    await classifier.listen();
    return classifier;
  }

  /** Again on the same port after `stop`. */
  async listen(): Promise<void> {
    this.#server = await httpServer(
      (request, response) => void this.#serve(request, response),
      this.port,
      this.host,
    );
    this.port = this.#server.port;
  }

  async stop(): Promise<void> {
    await this.#server?.close();
  }

  get url(): string {
    return `http://${this.host ?? '127.0.0.1'}:${this.port}`;
  }

  get connections(): number {
    return this.#server?.sockets.size ?? 0;
  }

  /** Moves on to another version and tells everybody. */
  change(version: number): void {
    this.version = version;
    this.tell(`data: {"indexVersion":${version}}\n\n`);
  }

  tell(bytes: string): void {
    for (const feed of this.#feeds) feed.write(bytes);
  }

  endFeeds(): void {
    for (const feed of this.#feeds) feed.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/v1/changes') {
      this.feedsOpened++;
      this.onFeed(response);
      return;
    }
    const { text: prompt } = JSON.parse(await text(request)) as { text: string };
    this.asked.push(prompt);
    await this.answer(prompt, response);
  }

  #openFeed(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: {"indexVersion":${this.version}}\n\n`);
    this.#feeds.add(response);
    response.once('close', () => this.#feeds.delete(response));
  }
}
