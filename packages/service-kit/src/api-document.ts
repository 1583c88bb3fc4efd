import { ErrorBody } from '@switchyard/contracts';
import type { z } from 'zod';
import { createDocument, type ZodOpenApiPathsObject } from 'zod-openapi';

export interface ApiOperation {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With parameters in braces, as OpenAPI writes them. */
  path: string;
  summary: string;
  tag: string;
  parameters?: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** JSON unless said. */
  bodyType?: string;
  /** Status of success -> what comes then. */
  answers: Record<number, ApiAnswer>;
  /** Whom it takes: anybody, clients with a key, or operators with the admin token. */
  access?: 'client' | 'admin';
}

export interface ApiAnswer {
  description: string;
  schema?: z.ZodType;
  type?: string;
}

export interface ApiDescription {
  title: string;
  description: string;
  operations: readonly ApiOperation[];
}

const JSON_TYPE = 'application/json';

/** An OpenAPI 3.1 document, from the schemas that validate requests. */
export function apiDocument({ title, description, operations }: ApiDescription): object {
  const paths: ZodOpenApiPathsObject = {};
  for (const operation of operations)
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation) };
  return createDocument({
    openapi: '3.1.0',
    info: { title, version: '1', description },
    paths,
    components: {
      securitySchemes: {
        client: {
          type: 'http',
          scheme: 'bearer',
          description: 'A key of API_KEYS, when those are set.',
        },
        admin: { type: 'http', scheme: 'bearer', description: 'ADMIN_TOKEN, when that is set.' },
      },
    },
  });
}

function describe({
  summary,
  tag,
  parameters,
  query,
  body,
  bodyType = JSON_TYPE,
  answers,
  access,
}: ApiOperation) {
  const success = Object.entries(answers).map(([status, answer]) => [status, contentOf(answer)]);
  return {
    summary,
    tags: [tag],
    ...((parameters || query) && {
      requestParams: { ...(parameters && { path: parameters }), ...(query && { query }) },
    }),
    ...(body && { requestBody: { required: true, content: { [bodyType]: { schema: body } } } }),
    ...(access && { security: [{ [access]: [] }] }),
    responses: {
      ...Object.fromEntries(success),
      default: contentOf({ description: 'An error that says what to change.', schema: ErrorBody }),
    },
  };
}

const contentOf = ({ description, schema, type = JSON_TYPE }: ApiAnswer) => ({
  description,
  ...(schema && { content: { [type]: { schema } } }),
});
