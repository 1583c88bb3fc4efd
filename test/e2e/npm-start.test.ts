import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startSimulatedBackend } from '@switchyard/simulated-backend';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { demoPorts, NpmStart, shell } from '../support/npm-start.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** Process ids under which a service said that it listens, oldest first. */
function pids(output: string, service: string): number[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { service?: string; msg?: string; pid?: number })
    .filter((line) => line.service === service && line.msg === 'listening')
    .map(({ pid }) => pid ?? 0);
}

test('the demo answers the lines of its banner, restarts what dies and stops as one', async () => {
  await using directory = await temporaryDirectory();
  const env = await demoPorts();
  await using demo = await NpmStart.run(directory.path, { ...env, DATA_DIR: 'my-data' });
  const lines = (await demo.banner()).match(/curl -si [^']+'[^']+' \\\n[^\n]+/g) ?? [];
  expect(lines).toHaveLength(3);
  const served = (answers: string[]) =>
    answers.map((answer) => /x-switchyard-pool: (\w+)/.exec(answer)?.[1]);
  const pools = ['code', 'chat', 'fast'];
  // On a busy machine the first prompts may take longer to classify than a request waits.
  await eventually(async () => expect(served(await Promise.all(lines.map(shell)))).toEqual(pools));
  // A relative DATA_DIR belongs to where the user stands.
  expect(await shell(`ls ${directory.path}/my-data`)).toContain('exemplars.lmdb');

  for (const service of ['classifier', 'router']) {
    process.kill(pids(demo.output, service)[0] ?? 0, 'SIGKILL');
    await eventually(() => expect(pids(demo.output, service)).toHaveLength(2));
  }
  await eventually(async () => expect(served(await Promise.all(lines.map(shell)))).toEqual(pools));

  demo.signal('SIGINT');
  await demo.exit;
  await eventually(() => expect(demo.groupIsGone).toBe(true));
});

test('with a configuration of their own, users get their backends and no simulated ones', async () => {
  await using directory = await temporaryDirectory();
  await using own = await startSimulatedBackend({ name: 'my-own' });
  await writeFile(
    join(directory.path, 'my.yaml'),
    `pools: { mine: { backends: [{ name: my-own, url: "${own.url}" }] } }\ndefault: mine\n`,
  );
  const env = { ...(await demoPorts()), DATA_DIR: 'data', SWITCHYARD_CONFIG: 'my.yaml' };
  await using started = await NpmStart.run(directory.path, env);
  expect(await started.banner()).not.toContain('code-a');
  const answer = await fetch(`http://127.0.0.1:${env.ROUTER_PORT}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ messages: [{ role: 'user', content: 'hi' }] }),
  });
  expect(answer.headers.get('x-simulated-backend')).toBe('my-own');
  started.signal('SIGTERM');
  await started.exit;
  await eventually(() => expect(started.groupIsGone).toBe(true));
});

test('a wrong configuration ends the start with its problem', async () => {
  await using directory = await temporaryDirectory();
  const env = { ...(await demoPorts()), DATA_DIR: 'data', SWITCHYARD_CONFIG: 'missing.yaml' };
  await using started = await NpmStart.run(directory.path, env);
  expect(await started.exit).toBe(78);
  expect(started.output).toContain(`SWITCHYARD_CONFIG: cannot read ${directory.path}/missing.yaml`);
  await eventually(() => expect(started.groupIsGone).toBe(true));
});
