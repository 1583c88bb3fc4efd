import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '@switchyard/service-kit';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.js';
import { InProcessJobQueue } from './in-process-job-queue.js';
import { inState, jobQueueContract } from './job-queue.contract.js';
import { type Ingestion, MAX_WAITING } from './job-queue.js';
import { Gate, ndjson, trainedAtOnce } from './test-support/gate.js';

const logger = createLogger('test', 'silent');
const open = (directory: string, ingestion: Ingestion = trainedAtOnce(new Gate().handle)) =>
  InProcessJobQueue.open(directory, ingestion, logger);

describe('contract', () => {
  jobQueueContract(async () => {
    const directory = await temporaryDirectory();
    return {
      open: (ingestion) => open(directory.path, ingestion),
      content: () => readdir(directory.path),
      [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
    };
  });
});

test('a job that has ended leaves its record and no upload', async () => {
  await using directory = await temporaryDirectory();
  const queue = await open(directory.path);
  const { id } = await queue.submit(ndjson(3), 'reject');
  await inState(queue, id, 'completed');
  expect(await readdir(directory.path)).toEqual([`${id}.json`]);
  await queue.close();
});

test('what a crash left half written is cleared away; a damaged record is one clear error', async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, 'never-accepted.ndjson'), '{');
  await writeFile(join(directory.path, 'half.json.tmp'), '{');
  const queue = await open(directory.path);
  expect(await readdir(directory.path)).toEqual([]);
  await queue.close();
  const path = join(directory.path, 'damaged.json');
  await writeFile(path, '{"id":');
  await expect(open(directory.path)).rejects.toMatchObject({
    name: 'ConfigError',
    problems: [expect.stringContaining(path)],
  });
});

test('counts those still being uploaded among the jobs that wait', async () => {
  await using directory = await temporaryDirectory();
  const queue = await open(directory.path);
  const uploads = Array.from({ length: MAX_WAITING + 1 }, () => queue.submit(ndjson(1), 'reject'));
  const outcomes = await Promise.allSettled(uploads);
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  await queue.close();
});
