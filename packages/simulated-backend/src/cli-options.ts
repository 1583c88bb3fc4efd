import { parseArgs } from 'node:util';
import { InvalidSettingsError } from './errors.js';
import { parseSettings } from './settings/settings.js';
import type { StartOptions } from './simulated-backend.js';

const DEFAULT_PORT = 8080;

type Read = (text: string) => unknown;

/** Not a number stays text, which the settings' own check then names. */
const number: Read = (text) => (text.trim() === '' ? text : Number(text));
const text: Read = (value) => value;
const list: Read = (value) => value.split(',').filter((item) => item !== '');

const OPTIONS: Record<string, { field: keyof StartOptions; read: Read }> = {
  port: { field: 'port', read: number },
  host: { field: 'host', read: text },
  name: { field: 'name', read: text },
  slots: { field: 'slots', read: number },
  'ttft-ms': { field: 'ttftMs', read: number },
  'tokens-per-second': { field: 'tokensPerSecond', read: number },
  tokens: { field: 'tokens', read: number },
  models: { field: 'models', read: list },
  'cold-start-ms': { field: 'coldStartMs', read: number },
  fault: { field: 'fault', read: text },
};

function tokenize(args: string[]) {
  const options = Object.fromEntries(
    Object.keys(OPTIONS).map((name) => [name, { type: 'string' as const }]),
  );
  // Not strict: parseArgs would stop at the first problem, and all of them are to be named.
  return parseArgs({ args, options, strict: false, tokens: true }).tokens;
}

/** `fault.status` belongs to --fault, `models[0]` to --models. */
function optionOf(field: string): string {
  const [root] = field.split(/[.[]/);
  return Object.keys(OPTIONS).find((name) => OPTIONS[name]?.field === root) ?? field;
}

function settingsProblems(settings: object): string[] {
  try {
    parseSettings(settings);
    return [];
  } catch (error) {
    if (!(error instanceof InvalidSettingsError)) throw error;
    return error.problems.map(({ field, message }) => `--${optionOf(field)}: ${message}`);
  }
}

export type CliOptions = { options: StartOptions } | { problems: string[] };

export function parseCliOptions(args: string[]): CliOptions {
  const problems: string[] = [];
  const given: Record<string, unknown> = {};
  /** Where a value may stand that belongs to a problem already named. */
  let excusedAt = Number.NaN;
  for (const token of tokenize(args)) {
    if (token.kind === 'positional' && token.index !== excusedAt) {
      problems.push(`${token.value}: unexpected argument`);
    }
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(OPTIONS, token.name) ? OPTIONS[token.name] : undefined;
    const isMissing =
      token.value === undefined || (!token.inlineValue && token.value.startsWith('--'));
    if (option === undefined) {
      problems.push(`${token.rawName}: unknown option`);
      excusedAt = token.index + 1;
    } else if (isMissing) {
      problems.push(`${token.rawName}: needs a value`);
      // parseArgs took the next option for the value.
      excusedAt = token.index + 2;
    } else {
      given[option.field] = option.read(token.value ?? '');
    }
  }
  const { port = DEFAULT_PORT, host, ...settings } = given;
  if (!(Number.isInteger(port) && Number(port) >= 0 && Number(port) <= 65_535)) {
    problems.push('--port: expected a whole number from 0 to 65535');
  }
  if (host === '') problems.push('--host: needs a value');
  problems.push(...settingsProblems(settings));
  if (problems.length > 0) return { problems };
  return { options: { ...settings, port: Number(port), ...(host ? { host: String(host) } : {}) } };
}
