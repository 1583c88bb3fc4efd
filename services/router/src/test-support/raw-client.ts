import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection on which a test says exactly what it wants, and sees exactly what comes back. */
export class RawClient implements Disposable {
  readonly #chunks: Buffer[] = [];
  /** Resolves when the connection is at its end, properly or not. */
  readonly closed: Promise<unknown>;
  error: NodeJS.ErrnoException | undefined;

  private constructor(readonly socket: Socket) {
    socket.on('data', (bytes) => this.#chunks.push(bytes));
    socket.on('error', (error) => {
      this.error = error;
    });
    this.closed = once(socket, 'close').catch(() => undefined);
  }

  static async connect(url: string): Promise<RawClient> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** Sends a request whose lines are given; a body comes after an empty one. */
  send(...lines: (string | Buffer)[]): void {
    // In one piece: who still writes when the connection is closed gets EPIPE and never the answer.
    this.socket.cork();
    for (const [index, line] of lines.entries()) {
      if (index > 0) this.socket.write('\r\n');
      this.socket.write(line);
    }
    this.socket.uncork();
  }

  /** `POST` with a JSON body and these headers besides. */
  post(path: string, body: unknown, ...headers: string[]): void {
    const json = JSON.stringify(body);
    const head = [`POST ${path} HTTP/1.1`, 'Host: router', 'Content-Type: application/json'];
    const length = `Content-Length: ${Buffer.byteLength(json)}`;
    this.send(...head, length, ...headers, '', json);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.bytes.toString('latin1');
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

export const chatBody = (extra: Record<string, unknown> = {}) => ({
  model: 'pool:all',
  messages: [{ role: 'user', content: 'hi' }],
  ...extra,
});
