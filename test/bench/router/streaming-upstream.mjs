/**
 * `node streaming-upstream.mjs PORT`: answers with `max_tokens` events, one every `user` milliseconds, or
 * as fast as they are read when that is 0.
 */
import { createServer } from 'node:http';

const [, , port = ''] = process.argv;
const EVENT = Buffer.from(
  'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":' +
    '[{"index":0,"delta":{"content":" token"},"finish_reason":null}]}\n\n',
);
const DONE = 'data: [DONE]\n\n';
/** Streams by the ms between their events; all of one pace are served by one timer. */
const paces = new Map();

function paced(response, tokens, everyMs) {
  const known = paces.get(everyMs);
  const streams = known ?? new Set();
  if (!known) {
    paces.set(everyMs, streams);
    setInterval(() => {
      for (const stream of streams)
        if (stream.left-- > 0) stream.response.write(EVENT);
        else {
          streams.delete(stream);
          stream.response.end(DONE);
        }
    }, everyMs);
  }
  const stream = { response, left: tokens };
  streams.add(stream);
  response.once('close', () => streams.delete(stream));
}

function flatOut(response, tokens) {
  let left = tokens;
  const more = () => {
    while (left > 0) {
      left--;
      if (!response.write(EVENT)) {
        response.once('drain', more);
        return;
      }
    }
    response.end(DONE);
  };
  more();
}

createServer({ keepAliveTimeout: 0 }, (request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    if (request.method !== 'POST') {
      response.end();
      return;
    }
    const { max_tokens: tokens = 1, user = '0' } = JSON.parse(body);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (Number(user) > 0) paced(response, tokens, Number(user));
    else flatOut(response, tokens);
  });
}).listen({ port: Number(port), host: '127.0.0.1', backlog: 2048 });
