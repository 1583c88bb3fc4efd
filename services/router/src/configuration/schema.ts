import { IntentName } from '@switchyard/contracts';
import { z } from 'zod';
import { policyNames } from '../balancing/policies.js';
import { Affinity } from './affinity-settings.js';
import { milliseconds, Name } from './fields.js';
import { compilePattern } from './pattern.js';
import { Shadow, Variants } from './rollout-settings.js';
import { Warm } from './warm-settings.js';

const Pattern = z.string({ error: 'must be a pattern' }).transform((source, context) => {
  try {
    return compilePattern(source);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    context.addIssue({ code: 'custom', message: `is not a valid RE2 pattern: ${reason}` });
    return z.NEVER;
  }
});

const Backend = z.strictObject({
  name: Name,
  /** OpenAI-style base URLs that end in /v1 are accepted: the request's path brings its own. */
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
    .refine((url) => !/[?#@]/.test(url), { error: 'must have no query, fragment or credentials' })
    .transform((url) => url.replace(/\/+$/, '').replace(/\/v1$/, '')),
  model: z.string().min(1).optional(),
  weight: z.number({ error: 'must be a number' }).positive().max(1000).default(1),
  /** Requests at a time; without it there is no limit. */
  capacity: z.int({ error: 'must be a whole number' }).min(1).max(1_000_000).optional(),
  apiKey: z
    .string()
    .regex(/^[\x21-\x7e]+$/, { error: 'must be ASCII characters without spaces' })
    .optional(),
  health: z
    .strictObject({ path: z.string().startsWith('/', { error: 'must start with /' }) })
    .default({ path: '/health' }),
  /** The pool's unless given. */
  warm: Warm.optional(),
});

/** `true` is all defaults, `false` none of it. */
const Hedge = z
  .preprocess(
    (given) => (given === true ? {} : given === false ? undefined : given),
    z
      .strictObject(
        {
          /** Of the pool's times to first byte; a request that takes longer is sent a second time. */
          percentile: z.number({ error: 'must be a number' }).min(50).max(99.9).default(95),
          /** No request is sent a second time before this. */
          minMs: milliseconds(50, 600_000),
          /** Answers that must have been seen before the percentile counts. */
          minSamples: z.int({ error: 'must be a whole number' }).min(1).max(512).default(50),
        },
        { error: 'must be true, false or settings' },
      )
      .optional(),
  )
  .optional();

/** What becomes of requests that find every backend of the pool full. */
const Queue = z.strictObject({
  size: z.int({ error: 'must be a whole number' }).min(0).max(1_000_000).default(1000),
  timeoutMs: milliseconds(30_000, 3_600_000),
  spill: z
    .number({ error: 'must be a number' })
    .min(0, { error: 'must be from 0 to 1' })
    .max(1, { error: 'must be from 0 to 1' })
    .default(1),
});

const PoolFields = z.strictObject({
  policy: z.enum(policyNames, { error: `must be one of ${policyNames.join(', ')}` }).optional(),
  affinity: Affinity.optional(),
  variants: Variants.optional(),
  shadow: Shadow.optional(),
  warm: Warm.optional(),
  backends: z.array(Backend, { error: 'must be a list of backends' }).min(1, {
    error: 'must have at least one backend',
  }),
  fallback: Name.optional(),
  contextTokens: z.int().min(1).optional(),
  images: z.boolean().optional(),
  tools: z.boolean().optional(),
  hedge: Hedge,
  queue: Queue.prefault({}),
});

/** Without a policy, affinity alone decides where there is one. */
const Pool = PoolFields.refine(
  ({ policy, affinity }) => policy !== 'ip-hash' || affinity === undefined,
  {
    path: ['policy'],
    error: 'ip-hash is affinity by client address already; leave out one of policy and affinity',
  },
).transform((pool) => ({
  ...pool,
  policy: pool.policy ?? (pool.affinity ? undefined : ('round-robin' as const)),
  backends: pool.backends.map((backend) => ({ ...backend, warm: backend.warm ?? pool.warm })),
}));

const KeywordRule = z
  .strictObject({
    pattern: Pattern.optional(),
    maxWords: z.int({ error: 'must be a whole number' }).min(1).optional(),
    intent: IntentName,
  })
  .refine((rule) => rule.pattern !== undefined || rule.maxWords !== undefined, {
    error: 'needs a pattern, maxWords or both',
  });

const Allowance = {
  requestsPerMinute: z.int({ error: 'must be a whole number' }).min(1).max(10_000_000).optional(),
  /** Requests at a time. */
  concurrent: z.int({ error: 'must be a whole number' }).min(1).max(1_000_000).optional(),
};

/** What every client may ask for, and clients for whom that is different. */
const Limits = z.strictObject({
  ...Allowance,
  clients: z.record(z.string(), z.strictObject(Allowance)).default({}),
});

/** What agent harnesses wrap around what the human typed. */
const DEFAULT_STRIP = ['<system-reminder>[\\s\\S]*?</system-reminder>'];

export const FleetFile = z.strictObject({
  pools: z
    .record(Name, Pool, { error: 'must map names to pools' })
    .refine((pools) => Object.keys(pools).length > 0, { error: 'must have at least one pool' }),
  routes: z.record(IntentName, Name).default({}),
  keywords: z.array(KeywordRule).default([]),
  default: Name,
  /** Pool of embeddings requests that name no model. */
  embeddings: Name.optional(),
  prompt: z.strictObject({ strip: z.array(Pattern).optional() }).prefault({}),
  classification: z
    .strictObject({
      timeoutMs: milliseconds(250, 60_000),
      cacheSize: z.int().min(0).max(10_000_000).default(10_000),
    })
    .prefault({}),
  timeouts: z
    .strictObject({
      connectMs: milliseconds(5000, 600_000),
      readMs: milliseconds(120_000, 86_400_000),
    })
    .prefault({}),
  health: z
    .strictObject({
      intervalMs: milliseconds(5000, 3_600_000),
      timeoutMs: milliseconds(2000, 600_000),
    })
    .prefault({}),
  ejection: z
    .strictObject({
      /** Failures in a row that take a backend out. */
      failures: z.int().min(1).max(1000).default(3),
      /** Share of failures over `windowMs` that takes one out, once it had `minRequests`. */
      errorRate: z.number({ error: 'must be a number' }).gt(0).max(1).default(0.5),
      minRequests: z.int({ error: 'must be a whole number' }).min(1).max(1_000_000).default(20),
      windowMs: milliseconds(30_000, 3_600_000),
      baseMs: milliseconds(1000, 3_600_000),
      maxMs: milliseconds(60_000, 86_400_000),
    })
    .prefault({}),
  /** How long a backend that came back takes to its full weight. */
  slowStart: z.strictObject({ ms: milliseconds(10_000, 3_600_000, 0) }).prefault({}),
  /** The longest `Retry-After` of a backend that is honoured. */
  retryAfter: z.strictObject({ maxMs: milliseconds(60_000, 86_400_000, 0) }).prefault({}),
  retries: z
    .strictObject({
      /** Retries and hedges per request of a pool, over `windowMs`. */
      budget: z.number({ error: 'must be a number' }).min(0).max(100).default(0.2),
      /** Allowed on top, however few requests there are. */
      minPerSecond: z.number({ error: 'must be a number' }).min(0).max(1_000_000).default(10),
      windowMs: milliseconds(10_000, 3_600_000),
    })
    .prefault({}),
  limits: Limits.optional(),
  /** Proxies in front of the router that append to `x-forwarded-for`. */
  trustedProxies: z.int({ error: 'must be a whole number' }).min(0).max(100).default(0),
  /** Requests that run at SIGTERM may take this long to finish. */
  shutdown: z.strictObject({ graceMs: milliseconds(30_000, 86_400_000, 0) }).prefault({}),
});

type Parsed = z.output<typeof FleetFile>;
export type BackendSpec = z.output<typeof Backend>;
export type PoolSpec = z.output<typeof Pool>;
export type Limits = z.output<typeof Limits>;
export type KeywordRule = z.output<typeof KeywordRule>;
export type Strip = NonNullable<Parsed['prompt']['strip']>;

/** The fleet a router serves: its pools and backends, and how requests find them. */
export type Fleet = Omit<Parsed, 'prompt' | 'pools' | 'routes'> & {
  pools: ReadonlyMap<string, PoolSpec>;
  /** Intent -> pool. */
  routes: ReadonlyMap<string, string>;
  strip: Strip;
};

export function toFleet({ prompt, pools, routes, ...rest }: Parsed): Fleet {
  return {
    ...rest,
    pools: new Map(Object.entries(pools)),
    routes: new Map(Object.entries(routes)),
    strip: prompt.strip ?? DEFAULT_STRIP.map(compilePattern),
  };
}
