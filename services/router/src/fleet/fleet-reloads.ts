import { ConfigError, type Logger } from '@switchyard/service-kit';
import type { FleetFileContent } from '../configuration/load-fleet.js';
import type { Fleet } from '../configuration/schema.js';

export interface FleetReloadsOptions {
  /** Of the configuration file. */
  path: string;
  /** The file that the router started with. */
  loaded: FleetFileContent;
  /** Throws ConfigError. */
  read: () => FleetFileContent;
  apply: (fleet: Fleet) => Promise<void>;
  logger: Logger;
  today?: () => Date;
}

/** Takes over the configuration file when it has changed; one with mistakes changes nothing. */
export class FleetReloads {
  /** Since the start. */
  readonly counts = { applied: 0, refused: 0 };
  #version: string;
  #appliedAt: Date;
  #problems: readonly string[] = [];
  #refusedAt: Date | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly options: FleetReloadsOptions) {
    this.#version = options.loaded.version;
    this.#appliedAt = this.#today();
  }

  /** The problems are those of the file as it is now, when it was refused. */
  get status() {
    return {
      path: this.options.path,
      version: this.#version,
      appliedAt: this.#appliedAt.toISOString(),
      ...this.counts,
      problems: this.#problems,
      refusedAt: this.#refusedAt?.toISOString() ?? null,
    };
  }

  get isValid(): boolean {
    return this.#problems.length === 0;
  }

  /** One after the other; never rejects. */
  reload(reason: string): Promise<void> {
    this.#running = this.#running.then(() => this.#reload(reason));
    return this.#running;
  }

  async #reload(reason: string): Promise<void> {
    const { read, apply, logger } = this.options;
    try {
      const { fleet, version } = read();
      const isNew = version !== this.#version;
      if (isNew) await apply(fleet);
      this.#problems = [];
      this.#refusedAt = undefined;
      if (!isNew) return;
      this.#version = version;
      this.#appliedAt = this.#today();
      this.counts.applied++;
      logger.info({ reason, version, pools: [...fleet.pools.keys()] }, 'configuration applied');
    } catch (error) {
      this.#problems = error instanceof ConfigError ? error.problems : [String(error)];
      this.#refusedAt = this.#today();
      this.counts.refused++;
      logger.error(
        { reason, problems: this.#problems, inForce: this.#version },
        'configuration refused; the one before stays in force',
      );
    }
  }

  #today(): Date {
    return this.options.today?.() ?? new Date();
  }
}
