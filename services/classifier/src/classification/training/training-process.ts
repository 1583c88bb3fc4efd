import { setPriority } from 'node:os';
import { readCorpus } from '../../exemplars/read-corpus.js';
import { encodeHead } from '../head-codec.js';
import { loadObjective } from './head-objective.js';
import { loadNearest } from './nearest-rows.js';
import { trainHead } from './train-head.js';
import type { TrainingAnswer, TrainingRequest } from './training-child.js';

/** Requests for classification go first: nice(2). */
const NICENESS = 10;

// Whoever asked is gone, or wants the memory back.
process.once('disconnect', () => process.exit(0));
setPriority(NICENESS);

const sessions = { objective: await loadObjective(), nearest: await loadNearest() };

process.on('message', (request: TrainingRequest) => {
  train(request).then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.send?.({ error: reason } satisfies TrainingAnswer);
    },
  );
});

async function train({ source, ...task }: TrainingRequest): Promise<TrainingAnswer> {
  const { version, exemplars } = await readCorpus(source);
  const head = await trainHead(sessions, { ...task, version, exemplars });
  return { head: { trainedOn: version, bytes: encodeHead(head) } };
}
