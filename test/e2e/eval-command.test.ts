import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { root } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const LIMIT_MS = 120_000;
const subjects: Record<string, string[]> = {
  cat: ['the cat sleeps', 'feed my cat', 'a kitten purrs', 'the cat climbs a tree', 'cat litter'],
  ship: ['the ship sails', 'load the ship', 'a ferry leaves', 'the ship is in port', 'ship ahoy'],
};
const rows = Object.entries(subjects).flatMap(([intent, prompts]) =>
  prompts.map((prompt) => ({ intent, text: prompt })),
);

/** `npm run eval` as a user types it, in a directory of the user's own. */
async function evalCommand(cwd: string, ...args: string[]) {
  const { PATH, HOME, MODEL_DIR } = process.env;
  const child = spawn('npm', ['--prefix', root, 'run', '--silent', 'eval', '--', ...args], {
    cwd,
    env: { PATH, HOME, INIT_CWD: cwd, ...(MODEL_DIR && { MODEL_DIR }) },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { exit: await ended, stdout, stderr };
}

test(
  'a CSV with text and intent gives a table',
  async () => {
    await using directory = await temporaryDirectory();
    const csv = rows.map(({ intent, text: prompt }) => `"${prompt}",${intent}`).join('\n');
    await writeFile(join(directory.path, 'prompts.csv'), `text,intent\n${csv}\n"qqq, xyz",\n`);
    const { exit, stdout, stderr } = await evalCommand(
      directory.path,
      'prompts.csv',
      '--shots',
      '3',
    );
    expect(exit, stderr).toBe(0);
    for (const figure of ['accuracy', 'ECE', 'OOS recall', 'AUROC'])
      expect(stdout).toContain(figure);
    expect(stdout).toMatch(/of each intent +3 drawn with seed 1\n/);
  },
  LIMIT_MS,
);

test(
  'NDJSON with splits gives one JSON object',
  async () => {
    await using directory = await temporaryDirectory();
    const train = rows.map((row) => ({ ...row, split: 'train' }));
    const held = [
      { text: 'my cat is hungry', intent: 'cat', split: 'test' },
      { text: 'when does the ship arrive', intent: 'ship', split: 'test' },
      { text: 'integrate x squared', intent: null, split: 'test' },
    ];
    const lines = [...train, ...held].map((row) => JSON.stringify(row)).join('\n');
    await writeFile(join(directory.path, 'prompts.ndjson'), lines);
    const { exit, stdout } = await evalCommand(directory.path, 'prompts.ndjson', '--json');
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      evaluated: 2,
      accuracy: 1,
      job: { added: 10 },
      scope: { inScope: 2, outOfScope: 1 },
    });
  },
  LIMIT_MS,
);

test.each([
  ['nothing', [], /usage: npm run eval/],
  ['a file that is not there', ['none.csv'], /none\.csv/],
  ['a seed for what is not drawn', ['none.csv', '--in-order', '--seed', '3'], /or --in-order/],
  [
    'shots that are no number',
    ['none.csv', '--shots', 'many'],
    /--shots: must be a whole number from 1 on, not many/,
  ],
])(
  '%s is answered with what to do',
  async (_, args, message) => {
    await using directory = await temporaryDirectory();
    const { exit, stdout, stderr } = await evalCommand(directory.path, ...args);
    expect(exit).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/ at .*\.js/);
  },
  LIMIT_MS,
);
