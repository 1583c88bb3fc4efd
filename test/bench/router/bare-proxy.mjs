/** `node bare-proxy.mjs PORT UPSTREAM`: passes everything on and knows nothing. */
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const { Pool } = createRequire(new URL('../../../services/router/package.json', import.meta.url))(
  'undici',
);
const [, , port = '', upstream = ''] = process.argv;
const pool = new Pool(upstream, { connections: 1024 });

createServer({ keepAliveTimeout: 0 }, (request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', async () => {
    const { 'content-type': type } = request.headers;
    const answer = await pool.request({
      path: request.url,
      method: request.method,
      headers: type ? { 'content-type': type } : {},
      body: chunks.length > 0 ? Buffer.concat(chunks) : null,
    });
    response.writeHead(answer.statusCode, answer.headers);
    answer.body.pipe(response);
  });
}).listen(Number(port), '127.0.0.1');
