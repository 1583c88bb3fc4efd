import type { ApiDescription } from '@switchyard/service-kit';
import { z } from 'zod';
import { BackendPatch } from './admin.js';

const Messages = z.array(z.looseObject({ role: z.string() })).min(1);
const Model = z.string().optional().meta({
  description: '"auto" or none: by meaning; "pool:NAME"; or a model that a backend serves.',
});
const Chat = z.looseObject({ model: Model, messages: Messages, stream: z.boolean().optional() });
const Completion = z.looseObject({
  model: Model,
  prompt: z.union([z.string(), z.array(z.unknown())]),
  stream: z.boolean().optional(),
});
const Embeddings = z.looseObject({
  model: Model,
  input: z.union([z.string(), z.array(z.unknown())]),
});
const RouteAnswer = z.object({
  intent: z.string().nullable(),
  confidence: z.number().nullable(),
  source: z.enum(['explicit', 'classifier', 'cache', 'keyword', 'default']),
  reason: z.string(),
  pool: z.string(),
  variant: z.string().nullable(),
  backend: z.string().nullable(),
  candidates: z.array(
    z.object({
      backend: z.string(),
      healthy: z.boolean(),
      inFlight: z.int(),
      capacity: z.int().nullable(),
    }),
  ),
  classifyMs: z.number(),
});
const proxied = {
  description:
    'What the backend answers, byte for byte; the x-switchyard-* headers say where it went and why.',
  schema: z.looseObject({}),
};
const Anything = z.looseObject({});

/** What `/openapi.json` and `/docs` show. */
export const routerApi: ApiDescription = {
  title: 'Switchyard router',
  description:
    'An OpenAI-compatible proxy that sends each prompt to the pool that is meant for it.',
  operations: [
    {
      method: 'post',
      path: '/v1/chat/completions',
      summary: 'Chat',
      tag: 'OpenAI',
      access: 'client',
      body: Chat,
      answers: { 200: proxied },
    },
    {
      method: 'post',
      path: '/v1/completions',
      summary: 'Completion of a text',
      tag: 'OpenAI',
      access: 'client',
      body: Completion,
      answers: { 200: proxied },
    },
    {
      method: 'post',
      path: '/v1/embeddings',
      summary: 'Embeddings; never classified',
      tag: 'OpenAI',
      access: 'client',
      body: Embeddings,
      answers: { 200: proxied },
    },
    {
      method: 'get',
      path: '/v1/models',
      summary: 'What may stand in `model`',
      tag: 'OpenAI',
      access: 'client',
      answers: { 200: { description: 'As OpenAI answers.', schema: Anything } },
    },
    {
      method: 'get',
      path: '/v1/models/{id}',
      summary: 'One of them',
      tag: 'OpenAI',
      access: 'client',
      parameters: z.object({ id: z.string() }),
      answers: { 200: { description: 'As OpenAI answers.', schema: Anything } },
    },
    {
      method: 'post',
      path: '/route',
      summary: 'How a request would be routed, without sending it',
      tag: 'routing',
      access: 'client',
      body: z.union([Chat, Completion, z.looseObject({ prompt: z.string() })]),
      answers: { 200: { description: 'Where to, and why.', schema: RouteAnswer } },
    },
    {
      method: 'get',
      path: '/status',
      summary: 'Pools and backends now',
      tag: 'operation',
      access: 'client',
      answers: {
        200: {
          description: 'Health, requests in flight here and at all routers, queues, budgets.',
          schema: z.looseObject({ pools: z.array(Anything), classifier: Anything }),
        },
      },
    },
    {
      method: 'patch',
      path: '/admin/pools/{pool}/backends/{backend}',
      summary: 'Drains, disables or weighs a backend',
      tag: 'operation',
      access: 'admin',
      parameters: z.object({ pool: z.string(), backend: z.string() }),
      body: BackendPatch,
      answers: { 200: { description: 'State and weight now.', schema: Anything } },
    },
    {
      method: 'get',
      path: '/health',
      summary: 'Whether the process lives',
      tag: 'operation',
      answers: { 200: { description: 'It does.', schema: z.object({ status: z.literal('ok') }) } },
    },
    {
      method: 'get',
      path: '/ready',
      summary: 'Whether it can serve; 503 when not',
      tag: 'operation',
      answers: { 200: { description: 'It can.', schema: z.object({ ready: z.boolean() }) } },
    },
    {
      method: 'get',
      path: '/metrics',
      summary: 'Metrics for Prometheus',
      tag: 'operation',
      answers: { 200: { description: 'Text.', schema: z.string(), type: 'text/plain' } },
    },
  ],
};
