#!/usr/bin/env node
import { parseCliOptions } from './cli-options.js';
import { ListenError } from './errors.js';
import {
  type SimulatedBackend,
  type StartOptions,
  startSimulatedBackend,
} from './simulated-backend.js';

/** EX_CONFIG of sysexits.h. */
const EXIT_CONFIG = 78;

function fail(problems: string[]): void {
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exitCode = EXIT_CONFIG;
  // An IPC channel would keep the process alive.
  if (process.connected) process.disconnect();
}

/** The port is wrong when it is taken or privileged, else the host is. */
function listenProblem({ code, message }: ListenError): string {
  return `${code === 'EADDRINUSE' || code === 'EACCES' ? '--port' : '--host'}: ${message}`;
}

async function run(options: StartOptions): Promise<void> {
  let backend: SimulatedBackend | undefined;
  const stop = async () => {
    await backend?.close();
    process.exit(0);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  // A parent that died must not leave its backends behind.
  if (process.send !== undefined) process.once('disconnect', stop);
  try {
    backend = await startSimulatedBackend(options);
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    process.removeListener('disconnect', stop);
    return fail([listenProblem(error)]);
  }
  const { name, url } = backend;
  process.stdout.write(`${JSON.stringify({ level: 'info', msg: 'listening', name, url })}\n`);
}

const parsed = parseCliOptions(process.argv.slice(2));
if ('problems' in parsed) fail(parsed.problems);
else await run(parsed.options);
