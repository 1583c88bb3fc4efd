import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';

/** A labelled prompt; intent null: out of scope. */
export interface Labelled {
  text: string;
  intent: string | null;
}

export interface Dataset {
  train: Labelled[];
  /** undefined when the file does not say which prompts are for testing. */
  test: Labelled[] | undefined;
}

/** What datasets call a prompt that belongs to no intent. */
const OUT_OF_SCOPE = new Set(['', 'oos', 'ood', 'out_of_scope', 'out-of-scope', 'none', 'null']);

const TEXT_COLUMNS = ['text', 'utterance', 'prompt', 'query', 'sentence'];
const INTENT_COLUMNS = ['intent', 'label', 'category', 'class'];
const SPLIT_COLUMNS = ['split', 'set'];

const Pair = z.tuple([z.string(), z.string()]);
const Row = z.record(z.string(), z.union([z.string(), z.number(), z.null()]));
const Splits = z.record(z.string(), z.array(z.union([Pair, Row])));

/**
 * Reads labelled prompts: JSON by split as in CLINC150, `{"train": [["text", "intent"], ...], "test":
 * ..., "oos_test": ...}`; CSV with a header, or NDJSON, with columns text and intent, and split if
 * there is one. Throws Error that says what is wrong with the file.
 */
export function readDataset(path: string): Dataset {
  const content = readFileSync(path, 'utf8').replace(/^\ufeff/, '');
  switch (extname(path).toLowerCase()) {
    case '.json':
      return bySplit(Splits.parse(JSON.parse(content)));
    case '.csv':
      return byColumn(parse(content, { columns: true, skip_empty_lines: true }));
    case '.ndjson':
    case '.jsonl':
      return byColumn(
        content
          .split('\n')
          .filter((line) => line.trim() !== '')
          .map((line) => JSON.parse(line)),
      );
    default:
      throw new Error(`${path}: must end in .json, .csv, .ndjson or .jsonl`);
  }
}

function bySplit(splits: z.infer<typeof Splits>): Dataset {
  const labelled = (name: string) =>
    (splits[name] ?? []).map((entry) =>
      Array.isArray(entry) ? toLabelled(entry[0], entry[1]) : fromRow(entry),
    );
  const train = labelled('train');
  if (train.length === 0) throw new Error('there is no "train" in it, or it is empty');
  const test = [...labelled('test'), ...labelled('oos_test')];
  return { train, test: test.length > 0 ? test : undefined };
}

function byColumn(values: unknown): Dataset {
  const rows = z.array(Row).parse(values);
  const splits = rows.map((row) => String(cell(row, SPLIT_COLUMNS) ?? 'train').toLowerCase());
  const labelled = rows.map(fromRow);
  const of = (wanted: string) => labelled.filter((_, i) => splits[i] === wanted);
  return { train: of('train'), test: splits.includes('test') ? of('test') : undefined };
}

function fromRow(row: z.infer<typeof Row>): Labelled {
  const text = cell(row, TEXT_COLUMNS);
  const intent = cell(row, INTENT_COLUMNS);
  if (text === undefined || intent === undefined)
    throw new Error(
      `a row needs a text (${TEXT_COLUMNS.join(', ')}) and an intent (${INTENT_COLUMNS.join(', ')}); this one has ${Object.keys(row).join(', ')}`,
    );
  return toLabelled(String(text ?? ''), String(intent ?? ''));
}

function cell(row: z.infer<typeof Row>, names: readonly string[]) {
  const name = names.find((wanted) => row[wanted] !== undefined);
  return name === undefined ? undefined : row[name];
}

/** Names keep what the classifier takes; other characters become "_". */
function toLabelled(text: string, intent: string): Labelled {
  if (OUT_OF_SCOPE.has(intent.trim().toLowerCase())) return { text, intent: null };
  const name = intent.replace(/[^A-Za-z0-9 _.-]/g, '_').replace(/^[^A-Za-z0-9]+/, '');
  return { text, intent: name.slice(0, 64) };
}
