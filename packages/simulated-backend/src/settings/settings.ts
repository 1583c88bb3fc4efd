import { z } from 'zod';
import { InvalidSettingsError } from '../errors.js';
import { type Fault, type FaultInput, faultSchema } from './fault.js';
import { fieldProblems } from './issues.js';

/** Bounds one answer's memory: a chunk of a stream is about 250 bytes. */
export const MAX_TOKENS = 32_768;

/** Every field is optional, without defaults: a PATCH must leave alone what it does not name. */
const settingsSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'expected 1 to 64 letters, digits, ".", "_" or "-"')
    .optional(),
  slots: z.int().min(1).max(100_000).optional(),
  ttftMs: z.number().min(0).max(3_600_000).optional(),
  tokensPerSecond: z.number().min(0).optional(),
  tokens: z.int().min(1).max(MAX_TOKENS).optional(),
  models: z.array(z.string().min(1)).optional(),
  record: z.boolean().optional(),
  coldStartMs: z.number().min(0).max(3_600_000).optional(),
  loaded: z.boolean().optional(),
  fault: faultSchema.optional(),
});

export interface Behaviour {
  /** Names the backend in every answer. */
  readonly name: string;
  /** Requests generating at once; more wait, first come, first served. */
  readonly slots: number;
  /** Milliseconds before the first token. */
  readonly ttftMs: number;
  /** 0: unlimited. */
  readonly tokensPerSecond: number;
  /** Length of an answer when the request sets none. */
  readonly tokens: number;
  /** Ids of GET /v1/models; unset: one, `sim-<name>`. */
  readonly models?: readonly string[];
  /** Milliseconds to load the model when it is not in memory. */
  readonly coldStartMs: number;
  /** Whether received requests are kept for GET /_sim/requests. */
  readonly record: boolean;
}

export type SettingsInput = Partial<Behaviour> & {
  /** Whether the model is in memory. */
  loaded?: boolean;
  fault?: FaultInput;
};

export const DEFAULT_BEHAVIOUR: Behaviour = Object.freeze({
  name: 'sim',
  slots: 4,
  ttftMs: 50,
  tokensPerSecond: 50,
  tokens: 16,
  coldStartMs: 0,
  record: true,
});

export interface ParsedSettings {
  behaviour: Partial<Behaviour>;
  fault: Fault | undefined;
  loaded: boolean | undefined;
}

/** Throws an InvalidSettingsError that names every wrong field. */
export function parseSettings(input: unknown): ParsedSettings {
  const parsed = settingsSchema.safeParse(input);
  if (!parsed.success) throw new InvalidSettingsError(fieldProblems(parsed.error));
  const { fault, loaded, ...given } = parsed.data;
  // A key given as undefined means "leave alone", not "unset".
  const behaviour = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  );
  return { behaviour, fault, loaded };
}

export function modelIds(behaviour: Behaviour): readonly string[] {
  return behaviour.models ?? [`sim-${behaviour.name}`];
}
