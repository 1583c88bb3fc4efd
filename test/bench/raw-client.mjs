import { once } from 'node:events';
import { connect } from 'node:net';

/** The head of a request up to its length, and the blank line after it. */
const head = (path, headers) =>
  `POST ${path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n${Object.entries(
    headers,
  )
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}`;

const TIMEOUT_MS = 30_000;

/** One connection that is kept, and a client that does next to nothing. */
export async function openClient(url, { path, headers = {} }) {
  const { port } = new URL(url);
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const start = head(path, headers);
  let pending;
  let received = '';
  const fail = (error) => pending?.reject(error);
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`${url} does not answer`)));
  socket.on('error', fail).on('close', () => fail(new Error(`${url} closed the connection`)));
  socket.setEncoding('latin1').on('data', (chunk) => {
    if (pending?.stream) {
      pending.stream(chunk);
      return;
    }
    received += chunk;
    const end = received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(/content-length: *(\d+)/i.exec(received)?.[1]);
    const isWhole = Number.isNaN(length)
      ? received.endsWith('\r\n0\r\n\r\n')
      : received.length >= end + 4 + length;
    if (!isWhole) return;
    const answer = received;
    received = '';
    if (answer.startsWith('HTTP/1.1 200')) pending.resolve();
    else fail(new Error(answer));
  });
  const write = (body) =>
    socket.write(`${start}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  return {
    /** Resolves when the whole answer is here. */
    post: (body) =>
      new Promise((resolve, reject) => {
        pending = { resolve, reject };
        write(body);
      }),
    /**
     * Of an event stream: ms to its first event, events, and the ms between pieces of it. Ends with
     * the last chunk.
     */
    stream: (body) =>
      new Promise((resolve, reject) => {
        const started = performance.now();
        const seen = { firstMs: Number.NaN, events: 0, gaps: [] };
        let last = started;
        let tail = '';
        const stream = (chunk) => {
          const now = performance.now();
          if (Number.isNaN(seen.firstMs)) {
            tail += chunk;
            if (tail.length > 12 && !tail.startsWith('HTTP/1.1 200')) reject(new Error(tail));
            if (!tail.includes('data:')) return;
            seen.firstMs = now - started;
            seen.events += tail.split('data:').length - 1;
          } else {
            // The last five characters may be the beginning of "data:".
            const seam = tail.slice(-4) + chunk;
            seen.events += seam.split('data:').length - 1;
            seen.gaps.push(now - last);
          }
          last = now;
          tail = (tail + chunk).slice(-16);
          if (tail.endsWith('\r\n0\r\n\r\n')) resolve(seen);
        };
        pending = { resolve, reject, stream };
        write(body);
      }),
    close: () => {
      pending = undefined;
      socket.destroy();
    },
  };
}

/** Milliseconds of each of so many calls, one after the other. */
export async function times(count, call) {
  const taken = [];
  for (let n = 0; n < count; n++) {
    const started = performance.now();
    await call();
    taken.push(performance.now() - started);
  }
  return taken;
}
