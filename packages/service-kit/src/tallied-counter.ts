import { Counter, type CounterConfiguration } from 'prom-client';

interface Tally<L extends string> {
  labels: Record<L, string | number>;
  count: number;
}

/**
 * A counter for the hot path: sums up here, by the values of its labels, and enters prom-client, which
 * sorts and hashes labels each time, only when it is scraped.
 */
export class TalliedCounter<L extends string> {
  readonly #tallies = new Map<string, Tally<L>>();
  readonly #names: readonly L[];

  constructor(configuration: Omit<CounterConfiguration<L>, 'collect'>) {
    const tallies = this.#tallies;
    this.#names = configuration.labelNames ?? [];
    new Counter({
      ...configuration,
      collect() {
        for (const tally of tallies.values()) {
          if (tally.count === 0) continue;
          this.inc(tally.labels, tally.count);
          tally.count = 0;
        }
      },
    });
  }

  /** `labels`: all of them. */
  inc(labels: Record<L, string | number>, by = 1): void {
    let key = '';
    for (const name of this.#names) key += `${labels[name]}\0`;
    const tally = this.#tallies.get(key);
    if (tally) tally.count += by;
    else this.#tallies.set(key, { labels, count: by });
  }
}
