import { z } from 'zod';
import { IntentName, Label, Text } from './text.js';

export const MAX_EVALUATED = 10_000;

/** Of the answers of one confidence interval: how many, how sure and how right they are. */
export const CalibrationBin = z.object({
  from: z.number(),
  to: z.number(),
  count: z.int(),
  confidence: z.number(),
  accuracy: z.number(),
});
export type CalibrationBin = z.infer<typeof CalibrationBin>;

export const IntentQuality = z.object({
  intent: IntentName,
  /** Judged prompts that are meant for it. */
  support: z.int(),
  /** Share of the prompts taken for it that are meant for it; null when none is taken for it. */
  precision: z.number().nullable(),
  /** Share of the prompts meant for it that are taken for it; null without support. */
  recall: z.number().nullable(),
  f1: z.number().nullable(),
});
export type IntentQuality = z.infer<typeof IntentQuality>;

const Prompt = z.object({ id: z.string().optional(), text: z.string(), confidence: z.number() });

/** Prompts of one intent taken for another. */
export const ConfusedPair = z.object({
  intent: IntentName,
  predicted: IntentName,
  count: z.int(),
  /** The most confidently mistaken ones. */
  examples: z.array(Prompt),
});
export type ConfusedPair = z.infer<typeof ConfusedPair>;

/** How good the best guesses are, whatever is rejected as out of scope. */
export const Judgement = z.object({
  /** Prompts that were judged. */
  evaluated: z.int(),
  accuracy: z.number().nullable(),
  /** Expected calibration error over 15 bins: mean |confidence - accuracy|, by count. */
  calibrationError: z.number().nullable(),
  calibration: z.array(CalibrationBin),
  intents: z.array(IntentQuality),
  confusedPairs: z.array(ConfusedPair),
});
export type Judgement = z.infer<typeof Judgement>;

const Suspect = z.object({ id: z.string(), intent: IntentName, text: z.string() });

export const QualityReport = Judgement.extend({
  /** Version of the exemplars that the report is about. */
  trainedOn: z.int(),
  exemplars: z.int(),
  /** How the scoring was fitted: what the others of `folds` folds say of each exemplar. */
  method: z.object({
    folds: z.int(),
    /** Share of the nearest neighbours in the confidence, and scale of the head's logits. */
    lambda: z.number(),
    scale: z.number(),
    /** Why the figures are not to be trusted much, if so. */
    caution: z.string().nullable(),
  }),
  suspicious: z.object({
    /** The others are sure that it belongs to another intent. */
    mislabelled: z.array(Suspect.extend({ predicted: IntentName, confidence: z.number() })),
    /** Nearly the same text under two intents. */
    nearDuplicates: z.array(z.object({ similarity: z.number(), exemplars: z.array(Suspect) })),
    /** Far from everything else in its intent. */
    outliers: z.array(Suspect.extend({ scopeScore: z.number() })),
  }),
  /** Intents whose own figures mean little. */
  tooSmall: z.array(z.object({ intent: IntentName, exemplars: z.int(), reason: z.string() })),
  /** Against the report before; null when there was none. */
  since: z
    .object({
      trainedOn: z.int(),
      exemplars: z.int(),
      accuracy: z.number().nullable(),
      calibrationError: z.number().nullable(),
      /** Differences: now minus then. */
      change: z.object({
        exemplars: z.int(),
        accuracy: z.number().nullable(),
        calibrationError: z.number().nullable(),
      }),
      /** Intents that are new, gone, or whose recall or precision changed, the most changed first. */
      intents: z.array(
        z.object({
          intent: IntentName,
          exemplars: z.object({ before: z.int(), now: z.int() }),
          recall: z.object({ before: z.number().nullable(), now: z.number().nullable() }),
          precision: z.object({ before: z.number().nullable(), now: z.number().nullable() }),
        }),
      ),
    })
    .nullable(),
  /** Exemplars of each intent, those that could not be judged included. */
  sizes: z.record(z.string(), z.int()),
  /** Of judged exemplars, at most 200 evenly spread: what they were taken for, and their scope score. */
  scopeScores: z.array(z.object({ intent: IntentName, score: z.number() })),
});
export type QualityReport = z.infer<typeof QualityReport>;

/** `GET /v1/quality`. */
export const QualityAnswer = QualityReport.omit({ scopeScores: true }).extend({
  /** False: exemplars changed since, and the next report is being made. */
  current: z.boolean(),
  indexVersion: z.int(),
  /** Share of in-scope prompts that `alpha`, and thresholds of intents, are expected to reject. */
  expectedRejections: z.number().nullable(),
});
export type QualityAnswer = z.infer<typeof QualityAnswer>;

export const EvaluateRequest = z.strictObject({
  examples: z
    .array(z.strictObject({ text: Text, intent: Label }))
    .min(1, 'must have at least one example')
    .max(MAX_EVALUATED, `must have at most ${MAX_EVALUATED} examples`),
});
export type EvaluateRequest = z.infer<typeof EvaluateRequest>;

/** `POST /v1/evaluate`: in-scope prompts by their best guess, and what scope rejection makes of all. */
export const Evaluation = Judgement.extend({
  indexVersion: z.int(),
  scope: z.object({
    inScope: z.int(),
    outOfScope: z.int(),
    /** Share of the in-scope prompts that are accepted with the right intent. */
    acceptedAccuracy: z.number().nullable(),
    /** Share of the in-scope prompts that are rejected. */
    rejected: z.number().nullable(),
    /** Share of the out-of-scope prompts that are rejected, and of the rejected that are out of scope. */
    recall: z.number().nullable(),
    precision: z.number().nullable(),
    /** Area under the ROC curve of the scope score; null when one of the two is missing. */
    auroc: z.number().nullable(),
  }),
  /** Intents of the examples that the classifier does not have. */
  unknownIntents: z.array(IntentName),
});
export type Evaluation = z.infer<typeof Evaluation>;
