/** `node bare-server.mjs PORT MODEL TOKENS`: the bare model behind Node's http; no intents, no index. */
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { loadSentenceEncoder } from '../../../services/classifier/dist/embedding/sentence-encoder.js';

const [, , port = '', model = '', tokens = ''] = process.argv;
const encode = await loadSentenceEncoder({
  model,
  remote: false,
  dtype: 'q8',
  maxTokens: Number(tokens),
});

createServer({ keepAliveTimeout: 0 }, async (request, response) => {
  if (request.method !== 'POST') return response.end();
  const { text } = await json(request);
  const { tokens: count } = await encode(text);
  const body = JSON.stringify({ tokens: count });
  response.setHeader('content-type', 'application/json');
  response.setHeader('content-length', body.length).end(body);
}).listen(Number(port), '127.0.0.1');
