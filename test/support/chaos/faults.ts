import type { SettingsInput } from '@switchyard/simulated-backend';
import type { Fleet } from '../fleet.js';

export interface BackendFault {
  name: string;
  begin(fleet: Fleet, backend: string): Promise<unknown>;
  end(fleet: Fleet, backend: string): Promise<unknown>;
}

const setting = (name: string, settings: SettingsInput, undo: SettingsInput): BackendFault => ({
  name,
  begin: (fleet, backend) => fleet.backend(backend).set(settings),
  end: (fleet, backend) => fleet.backend(backend).set(undo),
});
const fault = (name: string, what: NonNullable<SettingsInput['fault']>) =>
  setting(name, { fault: what }, { fault: 'none' });

/** What the simulated backends are when nothing is wrong. */
export const WELL = { ttftMs: 20, tokensPerSecond: 40, slots: 1000, record: false };

/** Ways for one backend to be faulty, and back. */
export const BACKEND_FAULTS: readonly BackendFault[] = [
  {
    name: 'killed',
    begin: (fleet, backend) => fleet.killBackend(backend),
    end: (fleet, backend) => fleet.returnBackend(backend),
  },
  fault('hung', { type: 'hang', scope: 'all' }),
  fault('hung, health checks aside', 'hang'),
  setting('slow', { ttftMs: 300, tokensPerSecond: 12 }, WELL),
  fault('500', 'error:500'),
  fault('503 every other time', { type: 'error', status: 503, retryAfter: 1, every: 2 }),
  fault('connections reset', 'reset'),
  fault('answers cut', 'cut:2'),
];
