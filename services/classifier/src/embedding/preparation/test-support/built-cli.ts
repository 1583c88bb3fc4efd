import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const preparation = fileURLToPath(new URL('..', import.meta.url));

/** The CLI as a file that Node runs, below this package so that its dependencies are found. */
export async function buildCli() {
  const buildDir = join(preparation, '.build');
  await mkdir(buildDir, { recursive: true });
  const outDir = await mkdtemp(join(buildDir, 'cli-'));
  await build({
    configFile: false,
    logLevel: 'silent',
    build: { ssr: join(preparation, 'prepare-cli.ts'), outDir, target: 'node20' },
  });
  return {
    start: (environment: NodeJS.ProcessEnv, cwd: string) =>
      start(join(outDir, 'prepare-cli.js'), environment, cwd),
    [Symbol.asyncDispose]: () => rm(outDir, { recursive: true }),
  };
}

function start(file: string, environment: NodeJS.ProcessEnv, cwd: string) {
  const { INIT_CWD: _, MODEL_DIR: __, ...inherited } = process.env;
  const child = spawn(process.execPath, [file], { cwd, env: { ...inherited, ...environment } });
  const finished = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
  return {
    kill: () => child.kill('SIGKILL'),
    result: finished.then(([[code], stdout, stderr]) => ({
      code: code as number | null,
      stdout,
      stderr,
    })),
  };
}
