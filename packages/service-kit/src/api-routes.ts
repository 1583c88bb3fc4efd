import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Router } from 'express';
import { type ApiDescription, apiDocument } from './api-document.js';
import { methodNotAllowed } from './error-middleware.js';

const swaggerUi = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const ASSETS = ['swagger-ui.css', 'swagger-ui-bundle.js'];

/** What the page may load and whom it may call: this server. The library writes styles itself. */
const POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/** `below`: from the page's own path to what it loads, also behind a proxy that adds to the path. */
const page = (title: string, below: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${below}swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="${below}swagger-ui-bundle.js"></script>
<script src="${below}start.js"></script>
</body>
</html>
`;

const START = `const url = location.pathname.endsWith('/') ? '../openapi.json' : 'openapi.json';
SwaggerUIBundle({ url, dom_id: '#api', deepLinking: true });
`;

/** `GET /openapi.json`, and `GET /docs`: a page for people that needs nothing from elsewhere. */
export function apiRoutes(description: ApiDescription): Router {
  const document = apiDocument(description);
  const router = Router();
  router
    .route('/openapi.json')
    .get((_request, response) => {
      response.json(document);
    })
    .all(methodNotAllowed('GET'));
  router
    .route('/docs')
    .get((request, response) => {
      const [path = ''] = request.originalUrl.split('?', 1);
      response
        .set('content-security-policy', POLICY)
        .type('html')
        .send(page(description.title, path.endsWith('/') ? '' : 'docs/'));
    })
    .all(methodNotAllowed('GET'));
  router.get('/docs/start.js', (_request, response) => {
    response.type('js').send(START);
  });
  for (const name of ASSETS)
    router.get(`/docs/${name}`, (_request, response) => {
      // pnpm keeps packages below a directory whose name begins with a dot.
      response.sendFile(join(swaggerUi, name), { maxAge: '1h', dotfiles: 'allow' });
    });
  return router;
}
