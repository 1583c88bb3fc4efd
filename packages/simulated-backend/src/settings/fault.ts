import { z } from 'zod';

/** setTimeout's own limit is 2^31 - 1 ms, about 24 days. */
const MAX_FAULT_MS = 86_400_000;

const forMs = z.int().min(1).max(MAX_FAULT_MS).optional();
const limits = {
  /** How many requests it applies to; then it lifts itself. */
  times: z.int().min(1).optional(),
  /** Applies to one request out of so many: with 2 to the second, the fourth, ... */
  every: z.int().min(1).optional(),
  /** Lifts itself after so many milliseconds. */
  forMs,
  /** `api`: only POST /v1/*; `all`: every request except the control API's. */
  scope: z.enum(['api', 'all']).default('api'),
};

const faultObject = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('none') }),
    // A connect refused by the kernel is never seen, so it cannot be counted: no `times`, no `scope`.
    z.strictObject({ type: z.literal('refuse'), forMs }),
    z.strictObject({ type: z.literal('reset'), ...limits }),
    z.strictObject({ type: z.literal('hang'), ...limits }),
    z.strictObject({
      type: z.literal('error'),
      status: z.int().min(400).max(599).default(500),
      /** Seconds, sent as Retry-After. */
      retryAfter: z.number().min(0).optional(),
      ...limits,
    }),
    z.strictObject({
      type: z.literal('cut'),
      /** Streamed tokens before the socket is destroyed; 0: headers only. */
      afterTokens: z.int().min(0).default(4),
      ...limits,
    }),
    z.strictObject({
      type: z.literal('trickle'),
      byteDelayMs: z.number().min(0).max(60_000).default(1),
      ...limits,
    }),
  ],
  { error: 'expected none, refuse, reset, hang, error, cut or trickle' },
);

/** The field that the number of a shorthand sets: `error:503`, `cut:2`, `trickle:5`. */
const SHORTHAND_FIELD: Record<string, string> = {
  error: 'status',
  cut: 'afterTokens',
  trickle: 'byteDelayMs',
};

function expandShorthand(fault: unknown): unknown {
  if (typeof fault !== 'string') return fault;
  const colon = fault.indexOf(':');
  if (colon === -1) return { type: fault };
  const type = fault.slice(0, colon);
  const value = fault.slice(colon + 1);
  return { type, [SHORTHAND_FIELD[type] ?? 'number']: value === '' ? Number.NaN : Number(value) };
}

export const faultSchema = z.preprocess(expandShorthand, faultObject);

export type Fault = z.output<typeof faultObject>;
export type FaultType = Fault['type'];
/** An object, or the shorthand `type` or `type:number`. */
export type FaultInput = z.input<typeof faultObject> | FaultType | `${FaultType}:${number}`;

export const NO_FAULT: Fault = Object.freeze({ type: 'none' });
