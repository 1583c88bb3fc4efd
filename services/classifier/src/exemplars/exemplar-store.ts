import type { OnConflict, Settings } from '@switchyard/contracts';
import type { Claim, ClaimedTask } from './claim.js';
import type { CorpusSource } from './corpus.js';
import type { Exemplar, ExemplarKey, StoredExemplar } from './exemplar.js';
import type { StoredHead } from './stored-head.js';
import type { EarlierModel, VectorModel } from './vector-model.js';

export interface IntentRecord {
  name: string;
  description: string;
  /** Overrides `alpha` for this intent: the scope score below which it is refused. */
  threshold: number | null;
}

export interface IntentPatch {
  description?: string | undefined;
  threshold?: number | null | undefined;
}

/** What one committed change did, in the order of `version`; applying it to a Catalog repeats it. */
export type Change = { version: number } & (
  | { type: 'exemplars-added'; exemplars: Exemplar[]; intents: IntentRecord[] }
  | { type: 'exemplar-removed'; id: string }
  | { type: 'intent-put'; intent: IntentRecord }
  | { type: 'intent-deleted'; name: string }
  | { type: 'settings-put'; settings: Settings }
  | { type: 'head-put'; head: StoredHead }
  /** Of interest only with another model. */
  | { type: 'nothing' }
);

export interface AddOptions {
  /**
   * A call with a key that was used before answers what the first call came to, if that added
   * anything, and adds nothing. It must ask for the same exemplars.
   */
  idempotencyKey?: string | undefined;
}

export interface AddOutcome {
  /** Includes the moved ones. */
  added: Exemplar[];
  duplicates: Exemplar[];
  /** Left where they were, under `heldBy`. */
  conflicts: { exemplar: Exemplar; heldBy: string }[];
}

export interface StoredPage {
  exemplars: { id: string; text: string }[];
  nextCursor: string | null;
}

/**
 * The durable home of intents and exemplars, with the vectors and the head of one model. A change that resolved survives a crash of the
 * process. Every change raises `version` by one and reaches the listener of `onChange`, in order,
 * before its promise resolves; a call that changes nothing raises nothing.
 */
export interface ExemplarStore {
  /** The last version this replica knows. */
  readonly version: number;
  /** Where a training process finds the exemplars. */
  readonly source: CorpusSource;
  intents(): Promise<IntentRecord[]>;
  /** All exemplars with their vectors, one at a time. */
  exemplars(): AsyncIterable<StoredExemplar>;
  /** All exemplars without texts and vectors, one at a time. */
  keys(): AsyncIterable<ExemplarKey>;
  /** Of those that are stored. */
  texts(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Of those that are stored. */
  vectors(ids: readonly string[]): Promise<ReadonlyMap<string, Float32Array>>;
  /** In the order they were added; rejects with RangeError on a cursor it did not give out. */
  page(intent: string, limit: number, cursor: string | undefined): Promise<StoredPage>;
  settings(): Promise<Settings>;
  head(): Promise<StoredHead | undefined>;

  /** Creates the intents it meets; all or nothing. Rejects with `too_many_intents`. */
  add(
    exemplars: readonly Exemplar[],
    onConflict: OnConflict,
    options?: AddOptions,
  ): Promise<AddOutcome>;
  /** False when the intent has no such exemplar. */
  remove(intent: string, id: string): Promise<boolean>;
  /** Creates or updates; what the patch leaves out stays. Rejects with `too_many_intents`. */
  putIntent(name: string, patch: IntentPatch): Promise<void>;
  /** With its exemplars. False when there is no such intent. */
  deleteIntent(name: string): Promise<boolean>;
  /** What the patch leaves out stays. */
  putSettings(patch: Partial<Settings>): Promise<Settings>;
  /**
   * False when the head there is the same, or was trained on newer exemplars, or when what is stored
   * is no longer what the changes heard so far led to. A head of before `onReload` is not to be put.
   */
  putHead(head: StoredHead): Promise<boolean>;

  /** The next change waits for a listener that returns a promise. */
  onChange(listener: (change: Change) => void | Promise<void>): void;
  /**
   * Calls back when the changes heard so far did not lead to what is stored: some were missed and
   * are gone, or Redis lost its newest. `version` then is another one, which may be lower, and
   * everything is to be read anew; changes go on from there, and some may be in it already.
   */
  onReload(listener: () => Promise<void>): void;
  /**
   * Resolves when every change that was made before, on any replica, has been heard; rejects when
   * that cannot be known, or `signal` aborts.
   */
  caughtUp(signal?: AbortSignal): Promise<void>;
  /**
   * Undefined while another replica does it; ask again later, since that one may die. Before the
   * work is begun, look whether it is still to be done.
   */
  claim(task: ClaimedTask): Promise<Claim | undefined>;
  /** About how many exemplars have no vector of this model yet. */
  lacking(): Promise<number>;
  /** Others that had vectors of all exemplars; the one that was used last comes first. */
  earlierModels(): Promise<EarlierModel[]>;
  /** The same exemplars with the vectors of another model; each of the two is closed by itself. */
  withModel(model: VectorModel): Promise<ExemplarStore>;
  /**
   * Says that this model, which was found at `origin`, has all vectors and is the one in use: those
   * of models that nobody uses any more may go.
   */
  adoptModel(origin: string): Promise<void>;
  close(): Promise<void>;
}
