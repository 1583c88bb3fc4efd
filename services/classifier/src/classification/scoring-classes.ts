import type { ExemplarKey } from '../exemplars/exemplar.js';
import type { Head } from './head.js';
import { PRIOR_LENGTH } from './training/fit-head.js';

/** The exemplars of one intent, by whether the head was trained on them. */
interface Members {
  /** Of those that the head was trained on and that are still there. */
  kept: number;
  keptSum: Float64Array;
  /** Of those that came later. */
  fresh: number;
  freshSum: Float64Array;
}

/** Where an intent's logit comes from. */
export interface ScoringClass {
  intent: string;
  /** Column of the head; undefined when the head does not know the intent as it is now. */
  column: number | undefined;
  /** Direction, times PRIOR_LENGTH, of exemplars that the head has not seen or has to forget. */
  centroid: Float32Array | undefined;
}

/**
 * Keeps what the head has not learned yet: an intent that is new or lost exemplars is known by the
 * centroid of what it has, one that grew by its column or the centroid of what came, whichever says
 * more. Intents without exemplars are no classes.
 */
export class ScoringClasses {
  readonly #members = new Map<string, Members>();
  readonly #columns: ReadonlyMap<string, number>;
  #classes: readonly ScoringClass[] | undefined;

  /** `present` are the exemplars there are now. */
  constructor(
    private readonly dimensions: number,
    private readonly head: Head | undefined,
    present: Iterable<ExemplarKey>,
    vectorOf: (id: string) => Float32Array | undefined,
  ) {
    this.#columns = new Map(head?.intents.map(({ name }, column) => [name, column]));
    const kept = new Map<string, string[]>();
    for (const key of present)
      if (this.isFresh(key)) this.enter(key, vectorOf(key.id) ?? new Float32Array(dimensions));
      else {
        const ids = kept.get(key.intent);
        if (ids) ids.push(key.id);
        else kept.set(key.intent, [key.id]);
      }
    for (const [intent, ids] of kept) {
      const members = this.#membersOf(intent);
      members.kept = ids.length;
      this.#sumUp(intent, ids, members.keptSum, vectorOf);
    }
  }

  /** Whether the head has not seen an exemplar. */
  isFresh({ version }: { version: number }): boolean {
    return version > (this.head?.trainedOn ?? -1);
  }

  /** Whether the head was trained on exactly the exemplars there are. */
  get isCurrent(): boolean {
    if (!this.head) return this.#members.size === 0;
    const left = [...this.#members].filter(([, { kept, fresh }]) => kept + fresh > 0);
    return (
      left.length === this.head.intents.length &&
      left.every(([intent, { kept, fresh }]) => fresh === 0 && kept === this.#trainedOn(intent))
    );
  }

  enter(key: ExemplarKey, vector: Float32Array): void {
    const members = this.#membersOf(key.intent);
    members.fresh++;
    add(members.freshSum, vector, 1);
    this.#classes = undefined;
  }

  leave(key: ExemplarKey, vector: Float32Array): void {
    const members = this.#membersOf(key.intent);
    if (this.isFresh(key)) {
      members.fresh--;
      add(members.freshSum, vector, -1);
    } else {
      members.kept--;
      add(members.keptSum, vector, -1);
    }
    this.#classes = undefined;
  }

  /** An intent and all it had is gone. */
  forget(intent: string): void {
    this.#members.set(intent, this.#none());
    this.#classes = undefined;
  }

  /** By name. */
  classes(): readonly ScoringClass[] {
    this.#classes ??= [...this.#members]
      .filter(([, { kept, fresh }]) => kept + fresh > 0)
      .map(([intent, members]) => this.#classOf(intent, members))
      .sort((a, b) => (a.intent < b.intent ? -1 : 1));
    return this.#classes;
  }

  #classOf(intent: string, { kept, keptSum, fresh, freshSum }: Members): ScoringClass {
    const column = this.#columns.get(intent);
    if (column === undefined || kept < this.#trainedOn(intent)) {
      const sum = keptSum.map((value, k) => value + (freshSum[k] as number));
      return { intent, column: undefined, centroid: scaled(sum) };
    }
    return { intent, column, centroid: fresh > 0 ? scaled(freshSum) : undefined };
  }

  #trainedOn(intent: string): number {
    return this.head?.intents[this.#columns.get(intent) ?? -1]?.exemplars ?? 0;
  }

  /** The head has the sum of all it was trained on; when some are gone, the others are added up. */
  #sumUp(
    intent: string,
    ids: readonly string[],
    sum: Float64Array,
    vectorOf: (id: string) => Float32Array | undefined,
  ): void {
    if (this.head && ids.length === this.#trainedOn(intent)) {
      const from = (this.#columns.get(intent) ?? 0) * this.dimensions;
      sum.set(this.head.sums.subarray(from, from + this.dimensions));
      return;
    }
    for (const id of ids) {
      const vector = vectorOf(id);
      if (vector) add(sum, vector, 1);
    }
  }

  #membersOf(intent: string): Members {
    const known = this.#members.get(intent);
    if (known) return known;
    const none = this.#none();
    this.#members.set(intent, none);
    return none;
  }

  #none(): Members {
    const { dimensions } = this;
    return {
      kept: 0,
      keptSum: new Float64Array(dimensions),
      fresh: 0,
      freshSum: new Float64Array(dimensions),
    };
  }
}

function add(sum: Float64Array, vector: Float32Array, sign: 1 | -1): void {
  for (let k = 0; k < sum.length; k++) sum[k] = (sum[k] as number) + sign * (vector[k] as number);
}

function scaled(sum: Float64Array): Float32Array {
  const scale = PRIOR_LENGTH / (Math.hypot(...sum) || 1);
  return Float32Array.from(sum, (value) => value * scale);
}
