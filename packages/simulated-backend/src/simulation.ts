import type { IncomingMessage, ServerResponse } from 'node:http';
import { Exchange } from './requests/exchange.js';
import { Journal, type RecordedRequest } from './requests/journal.js';
import { ModelLoad } from './requests/model-load.js';
import { Slots } from './requests/slots.js';
import { type Stats, Tally } from './requests/stats.js';
import type { Fault } from './settings/fault.js';
import { FaultSwitch } from './settings/fault-switch.js';
import {
  type Behaviour,
  DEFAULT_BEHAVIOUR,
  modelIds,
  parseSettings,
  type SettingsInput,
} from './settings/settings.js';

/** As in force now: `models` spelled out, and a fault's `times` is what is left of it. */
export type Settings = Behaviour & {
  readonly models: readonly string[];
  readonly loaded: boolean;
  readonly fault: Fault;
};

/** Makes the listening socket follow the `refuse` fault. */
export type RefuseListener = (refusing: boolean) => Promise<void>;

/** The state of one simulated backend. */
export class Simulation {
  readonly load = new ModelLoad();
  readonly slots = new Slots(DEFAULT_BEHAVIOUR.slots);
  readonly #journal = new Journal();
  readonly #hanging = new Set<Exchange>();
  readonly #faults = new FaultSwitch(() => this.#followFault());
  #behaviour = DEFAULT_BEHAVIOUR;
  #tally = new Tally();
  #lastId = 0;
  #onRefuse: RefuseListener = () => Promise.resolve();

  constructor(input: unknown = {}) {
    this.#apply(input);
    // Unless it says so, one that takes time to load its model starts without it.
    const { loaded = this.#behaviour.coldStartMs === 0 } = input as SettingsInput;
    this.load.set(loaded);
  }

  get name(): string {
    return this.#behaviour.name;
  }

  get refusing(): boolean {
    return this.#faults.current.type === 'refuse';
  }

  /** Without one, `refuse` resets every request, as it does on connections that are already open. */
  set onRefuse(listener: RefuseListener) {
    this.#onRefuse = listener;
  }

  /**
   * Changes what `input` names. Resolves when the listening socket has followed. Throws an
   * InvalidSettingsError, before anything changed, when a value is wrong.
   */
  async set(input: unknown): Promise<void> {
    this.#apply(input);
    await this.#followFault();
  }

  settings(): Settings {
    const models = modelIds(this.#behaviour);
    const loaded = this.load.state === 'loaded';
    return { ...this.#behaviour, models, loaded, fault: this.#faults.current };
  }

  stats(): Stats {
    return {
      ...this.#tally,
      inFlight: this.slots.used,
      maxInFlight: this.slots.maxUsed,
      queued: this.slots.waiting,
      maxQueued: this.slots.maxWaiting,
      hanging: [...this.#hanging].filter(({ isApi }) => isApi).length,
    };
  }

  requests(): RecordedRequest[] {
    return this.#journal.list();
  }

  /** Requests still under way are forgotten too, except as in flight, queued or hanging. */
  clear(): void {
    this.#journal.clear();
    this.#tally = new Tally();
    this.slots.resetPeaks();
  }

  accept(req: IncomingMessage & { originalUrl: string }, res: ServerResponse): Exchange {
    const { method = '', originalUrl: path, headers } = req;
    const isApi = method === 'POST' && path.startsWith('/v1/');
    if (isApi) this.#tally.requests += 1;
    else this.#tally.probes += 1;
    const record: RecordedRequest = {
      id: ++this.#lastId,
      receivedAt: Date.now(),
      method,
      path,
      headers,
      body: '',
      bodyBytes: 0,
      outcome: 'pending',
    };
    if (this.#behaviour.record) this.#journal.add(record);
    return new Exchange({
      req,
      res,
      record,
      isApi,
      behaviour: this.#behaviour,
      fault: this.#faults.take(isApi),
      shared: { slots: this.slots, tally: this.#tally, hanging: this.#hanging },
    });
  }

  /** Stops the clock of the fault; connections and their requests are the listener's to end. */
  close(): void {
    this.#faults.close();
  }

  #apply(input: unknown): void {
    const { behaviour, fault, loaded } = parseSettings(input);
    this.#behaviour = Object.freeze({ ...this.#behaviour, ...behaviour });
    this.slots.resize(this.#behaviour.slots);
    if (loaded !== undefined) this.load.set(loaded);
    if (fault !== undefined) this.#faults.set(fault);
  }

  /** A port lost to another process rejects; after a lapse nobody handles that, so the process ends. */
  async #followFault(): Promise<void> {
    await this.#onRefuse(this.refusing);
  }
}
