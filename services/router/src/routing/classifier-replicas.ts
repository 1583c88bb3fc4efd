import { type LookupAddress, lookup } from 'node:dns';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import { type Dispatcher, Pool } from 'undici';

const CONNECTIONS = 64;
/** A name is looked up again when the answer is this old, so that replicas may come and go. */
const FRESH_MS = 1000;
/** A replica that failed is asked after all others for this long. */
const SUSPECT_MS = 2000;

export interface Replica {
  readonly address: string;
  request(options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData>;
  /** It did not answer. */
  failed(): void;
}

export type Lookup = (host: string) => Promise<readonly LookupAddress[]>;

const lookupAll = promisify(lookup);
const systemLookup: Lookup = (host) => lookupAll(host, { all: true });

/** The classifiers behind one URL: each address that its host name stands for. */
export class ClassifierReplicas {
  readonly #url: URL;
  #replicas = new Map<string, AddressedReplica>();
  #lookedUp = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;
  #turn = 0;
  #closed = false;

  constructor(
    url: string,
    private readonly lookup: Lookup = systemLookup,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#url = new URL(url);
    const host = this.#url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host)) this.#set([host]);
    if (isIP(host)) this.#lookedUp = Number.POSITIVE_INFINITY;
  }

  /**
   * In the order to ask them: each first in turn, those that failed of late last. Rejects when the
   * name cannot be looked up and never could.
   */
  async inTurn(): Promise<Replica[]> {
    if (this.now() - this.#lookedUp > FRESH_MS) {
      this.#looking ??= this.#lookUp().finally(() => {
        this.#looking = undefined;
      });
      // The caller's own time-out bounds this; one look-up at a time, however long it hangs.
      if (this.#replicas.size === 0) await this.#looking;
      // Who has addresses does not wait, and what fails now is tried again by the next call.
      else this.#looking.catch(() => undefined);
    }
    const all = [...this.#replicas.values()];
    const first = all.length === 0 ? 0 : this.#turn++ % all.length;
    const turned = [...all.slice(first), ...all.slice(0, first)];
    const now = this.now();
    return [
      ...turned.filter((one) => !one.isSuspect(now)),
      ...turned.filter((one) => one.isSuspect(now)),
    ];
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#replicas.values()].map((one) => one.close()));
  }

  async #lookUp(): Promise<void> {
    const found = await this.lookup(this.#url.hostname);
    this.#lookedUp = this.now();
    if (found.length > 0 && !this.#closed) this.#set(found.map(({ address }) => address));
  }

  #set(addresses: readonly string[]): void {
    const before = this.#replicas;
    this.#replicas = new Map(
      [...addresses]
        .sort()
        .map((address) => [
          address,
          before.get(address) ?? new AddressedReplica(address, this.#url, this.now),
        ]),
    );
    // Requests on their way to one that is gone from the name may still be answered.
    for (const [address, replica] of before) if (!this.#replicas.has(address)) void replica.end();
  }
}

class AddressedReplica implements Replica {
  readonly #pool: Pool;
  #suspectUntil = Number.NEGATIVE_INFINITY;

  constructor(
    readonly address: string,
    private readonly url: URL,
    private readonly now: () => number,
  ) {
    const port = url.port === '' ? '' : `:${url.port}`;
    const host = isIP(address) === 6 ? `[${address}]` : address;
    const isNamed = url.protocol === 'https:' && isIP(url.hostname) === 0;
    this.#pool = new Pool(`${url.protocol}//${host}${port}`, {
      connections: CONNECTIONS,
      ...(isNamed && { connect: { servername: url.hostname } }),
    });
  }

  isSuspect(now: number): boolean {
    return now < this.#suspectUntil;
  }

  failed(): void {
    this.#suspectUntil = this.now() + SUSPECT_MS;
  }

  async request(options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
    const answer = await this.#pool.request({
      ...options,
      headers: { host: this.url.host, ...options.headers },
    });
    this.#suspectUntil = Number.NEGATIVE_INFINITY;
    return answer;
  }

  /** When its requests have ended. */
  end(): Promise<void> {
    return this.#pool.close();
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}
