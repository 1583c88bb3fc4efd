export { InvalidSettingsError, ListenError } from './errors.js';
export type { Outcome, RecordedRequest } from './requests/journal.js';
export type { Stats } from './requests/stats.js';
export type { Fault, FaultInput, FaultType } from './settings/fault.js';
export type { Behaviour, SettingsInput } from './settings/settings.js';
export {
  createSimulatedBackend,
  SimulatedBackend,
  type StartOptions,
  startSimulatedBackend,
} from './simulated-backend.js';
export type { Settings, Simulation } from './simulation.js';
