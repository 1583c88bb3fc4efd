import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Argument } from '../redis-script.js';
import { guarded, isPassing } from './redis-failure.js';
import type { RedisKeys } from './redis-keys.js';
import type { ChangeVerb, RedisScripts } from './redis-scripts.js';

/** How long a write is sent again while Redis is away: a failover or a restart may take so long. */
const PATIENCE_MS = 2000;
const PAUSE_MS = 50;
/** Longer than any write is sent again. */
const OUTCOME_MS = 60_000;
/** Rivals at a compare-and-set that one may lose to. */
const MAX_ROUNDS = 100;

export const Outcome = z.object({
  version: z.int().optional(),
  verdicts: z.array(z.union([z.literal(0), z.literal(1), z.string()])).optional(),
  refused: z.boolean().optional(),
  changed: z.boolean().optional(),
});
export type Outcome = z.infer<typeof Outcome>;

export interface WriteOptions {
  token?: string;
  /** How long a repetition with the same token gets the same answer, ms. */
  rememberedMs?: number;
}

/** Sends changes to Redis, and sends them again when the answer is lost: each takes effect once. */
export class RedisWriter {
  constructor(
    private readonly scripts: RedisScripts,
    private readonly keys: RedisKeys,
    /** Changes that the stream keeps. */
    private readonly kept: number,
  ) {}

  /** Rejects with `store_unavailable` after PATIENCE_MS; the change may have taken effect then. */
  async write(
    verb: ChangeVerb,
    args: readonly Argument[],
    { token = randomUUID(), rememberedMs = OUTCOME_MS }: WriteOptions = {},
  ): Promise<Outcome> {
    const { meta, texts, places, vectors, listing, intents, head, changes } = this.keys;
    const keys = [meta, texts, places, vectors, listing, intents, head, changes];
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        const answer = await guarded(() =>
          this.scripts.run(
            verb,
            [...keys, this.keys.outcome(token)],
            [token, this.kept, rememberedMs, ...args],
          ),
        );
        return Outcome.parse(JSON.parse(String(answer)));
      } catch (error) {
        if (!isPassing(error) || performance.now() > deadline) throw error;
        await sleep(PAUSE_MS);
      }
    }
  }

  /** Replaces what `read` gives by `next` of it, whoever else does so at the same time. */
  async replace(
    read: () => Promise<string>,
    write: (seen: string) => Promise<Outcome | undefined>,
  ): Promise<Outcome> {
    for (let round = 1; ; round++) {
      const outcome = await write(await read());
      if (!outcome) return {};
      if (!outcome.changed || round === MAX_ROUNDS) return outcome;
    }
  }
}
