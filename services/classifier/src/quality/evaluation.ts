import type { Classification, EvaluateRequest, Evaluation } from '@switchyard/contracts';
import type { Classifier } from '../classification/classifier.js';
import type { Embedder } from '../embedding/embedder.js';
import { fewAtATime } from '../embedding/few-at-a-time.js';
import { judge } from './judge.js';
import { scopeFigures } from './scope-figures.js';

export type Example = EvaluateRequest['examples'][number];

export interface EvaluationContext {
  classifier: Classifier;
  embedder: Embedder;
  /** Intents there are. */
  known: ReadonlySet<string>;
  signal: AbortSignal;
}

/** Classifies labelled prompts, after whatever else waits, and compares. */
export async function evaluate(
  examples: readonly Example[],
  { classifier, embedder, known, signal }: EvaluationContext,
): Promise<Evaluation> {
  const answers = await fewAtATime(embedder, examples, ({ text }) =>
    classifier.classify(text, { priority: 'bulk', signal }),
  );
  const answered = examples.map((example, i) => ({ ...example, answer: answers[i] }));
  return evaluation(answered, known);
}

export interface Answered extends Example {
  answer: Classification | undefined;
}

/** The best guess counts for accuracy and calibration; acceptance has figures of its own. */
export function evaluation(answered: readonly Answered[], known: ReadonlySet<string>): Evaluation {
  const outcomes = answered.map(({ text, intent, answer }) => {
    const predicted = answer?.alternatives[0]?.intent ?? null;
    return { text, intent, predicted, answer };
  });
  return {
    ...judge(
      outcomes.flatMap(({ text, intent, predicted, answer }) =>
        intent === null ? [] : { text, intent, predicted, confidence: answer?.confidence ?? 0 },
      ),
    ),
    indexVersion: Math.max(...answered.map(({ answer }) => answer?.indexVersion ?? 0)),
    scope: scopeFigures(
      outcomes.map(({ intent, predicted, answer }) => ({
        belongs: intent !== null,
        right: intent !== null && predicted === intent,
        accepted: answer?.inScope ?? false,
        scopeScore: answer?.scopeScore ?? 0,
      })),
    ),
    unknownIntents: unknown(answered, known),
  };
}

function unknown(examples: readonly Example[], known: ReadonlySet<string>): string[] {
  const named = examples.flatMap(({ intent }) =>
    intent === null || known.has(intent) ? [] : intent,
  );
  return [...new Set(named)].sort();
}
