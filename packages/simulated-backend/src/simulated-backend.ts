import type { Express } from 'express';
import { createApp } from './app.js';
import { Listener } from './listening/listener.js';
import type { RecordedRequest } from './requests/journal.js';
import type { Stats } from './requests/stats.js';
import type { SettingsInput } from './settings/settings.js';
import { type Settings, Simulation } from './simulation.js';

export interface StartOptions extends SettingsInput {
  /** 0, the default: any free one. */
  port?: number;
  /** 127.0.0.1 by default. */
  host?: string;
}

/** The app, not listening, and its state. */
export function createSimulatedBackend(options: SettingsInput = {}): {
  app: Express;
  simulation: Simulation;
} {
  const simulation = new Simulation(options);
  return { app: createApp(simulation), simulation };
}

/** A simulated backend that listens. */
export class SimulatedBackend {
  readonly url: string;
  readonly port: number;
  readonly #simulation: Simulation;
  readonly #listener: Listener;

  constructor(simulation: Simulation, listener: Listener, host: string) {
    this.#simulation = simulation;
    this.#listener = listener;
    this.port = listener.port;
    this.url = `http://${host.includes(':') ? `[${host}]` : host}:${this.port}`;
  }

  get name(): string {
    return this.#simulation.name;
  }

  /** Changes what is named; resolves when the listening socket has followed a `refuse`. */
  async set(settings: SettingsInput): Promise<Settings> {
    await this.#simulation.set(settings);
    return this.#simulation.settings();
  }

  settings(): Settings {
    return this.#simulation.settings();
  }

  stats(): Stats {
    return this.#simulation.stats();
  }

  /** The newest 200, oldest first. */
  requests(): RecordedRequest[] {
    return this.#simulation.requests();
  }

  /** Forgets requests and counters. */
  clear(): void {
    this.#simulation.clear();
  }

  /** Ends every connection at once. */
  async close(): Promise<void> {
    this.#simulation.close();
    await this.#listener.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Throws InvalidSettingsError or ListenError. */
export async function startSimulatedBackend(options: StartOptions = {}): Promise<SimulatedBackend> {
  const { port = 0, host = '127.0.0.1', ...settings } = options;
  const { app, simulation } = createSimulatedBackend(settings);
  const listener = new Listener(app, host, port);
  try {
    await listener.open();
  } catch (error) {
    simulation.close();
    throw error;
  }
  simulation.onRefuse = (refusing) => (refusing ? listener.shut() : listener.reopen());
  // A backend that starts refusing has to bind its port once to know it.
  if (simulation.refusing) await listener.shut();
  return new SimulatedBackend(simulation, listener, host);
}
