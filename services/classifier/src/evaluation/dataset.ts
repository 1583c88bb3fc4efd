import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { Text } from '@switchyard/contracts';
import { fieldPath } from '@switchyard/service-kit';
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

/** What files call their parts; undefined: neither trained on nor tested with. */
const SPLITS = new Map<string, 'train' | 'test' | undefined>([
  ['train', 'train'],
  ['training', 'train'],
  ['test', 'test'],
  ['testing', 'test'],
  ['val', undefined],
  ['valid', undefined],
  ['validation', undefined],
  ['dev', undefined],
]);

const Cell = z.union([z.string(), z.number(), z.null()], { error: 'must be a string' });
/** Other columns may hold anything. */
const Row = z.record(z.string(), z.unknown(), {
  error: 'must be an object with a text and an intent',
});
type Row = z.infer<typeof Row>;
const Entry = z.union([z.tuple([z.string(), z.string()]), Row], {
  error: 'must be ["text", "intent"]',
});
const Splits = z.record(z.string(), z.array(Entry, { error: 'must be a list' }), {
  error: 'must be {"train": [["text", "intent"], ...], "test": [...], "oos_test": [...]}',
});

/**
 * Reads labelled prompts: JSON by split as in CLINC150, `{"train": [["text", "intent"], ...], "test":
 * ..., "oos_test": ...}`; CSV with a header, or NDJSON, with columns text and intent, and split if
 * there is one. Throws Error that says what is wrong, and where in the file.
 */
export function readDataset(path: string): Dataset {
  const content = readFileSync(path, 'utf8').replace(/^\ufeff/, '');
  return within(path, () => {
    switch (extname(path).toLowerCase()) {
      case '.json':
        return bySplit(parsed(Splits, json(content)));
      case '.csv':
        return byColumn(csvRows(content));
      case '.ndjson':
      case '.jsonl':
        return byColumn(ndjsonRows(content));
      default:
        throw new Error('must end in .json, .csv, .ndjson or .jsonl');
    }
  });
}

/** Says in front of what `read` throws where it was. */
function within<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${place}: ${reason}`, { cause: error });
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`is not JSON (${(error as Error).message})`, { cause: error });
  }
}

function parsed<T extends z.ZodType>(schema: T, value: unknown): z.infer<T> {
  const { data, error } = schema.safeParse(value);
  if (!error) return data;
  const [issue] = error.issues;
  const place = fieldPath(issue?.path ?? []);
  throw new Error([place, issue?.message].filter(Boolean).join(': '));
}

interface Line {
  row: Row;
  place: string;
}

function csvRows(content: string): Line[] {
  const rows: { record: Row; info: { lines: number } }[] = parse(content, {
    columns: true,
    skip_empty_lines: true,
    info: true,
  });
  return rows.map(({ record, info }) => ({ row: record, place: `line ${info.lines}` }));
}

function ndjsonRows(content: string): Line[] {
  return content.split('\n').flatMap((text, i) => {
    if (text.trim() === '') return [];
    const place = `line ${i + 1}`;
    return [{ row: within(place, () => parsed(Row, json(text))), place }];
  });
}

function bySplit(splits: z.infer<typeof Splits>): Dataset {
  const labelled = (name: string) =>
    (splits[name] ?? []).map((entry, i) =>
      within(`${name}[${i}]`, () =>
        Array.isArray(entry) ? toLabelled(entry[0], entry[1]) : fromRow(entry),
      ),
    );
  const train = labelled('train');
  if (train.length === 0) throw new Error('there is no "train" in it, or it is empty');
  const test = [...labelled('test'), ...labelled('oos_test')];
  return { train, test: test.length > 0 ? test : undefined };
}

function byColumn(lines: readonly Line[]): Dataset {
  const labelled = lines.map(({ row, place }) =>
    within(place, () => ({ ...fromRow(row), split: splitOf(row) })),
  );
  const of = (wanted: string) =>
    labelled.filter(({ split }) => split === wanted).map(({ text, intent }) => ({ text, intent }));
  const test = of('test');
  return { train: of('train'), test: test.length > 0 ? test : undefined };
}

function splitOf(row: Row): 'train' | 'test' | undefined {
  const name = String(cell(row, SPLIT_COLUMNS) || 'train').toLowerCase();
  if (!SPLITS.has(name))
    throw new Error(`split: must be train, test or validation, not ${JSON.stringify(name)}`);
  return SPLITS.get(name);
}

function fromRow(row: Row): Labelled {
  const text = cell(row, TEXT_COLUMNS);
  const intent = cell(row, INTENT_COLUMNS);
  if (text === undefined || intent === undefined)
    throw new Error(
      `a row needs a text (${TEXT_COLUMNS.join(', ')}) and an intent (${INTENT_COLUMNS.join(', ')}); this one has ${Object.keys(row).join(', ') || 'nothing'}`,
    );
  return toLabelled(String(text ?? ''), String(intent ?? ''));
}

function cell(row: Row, names: readonly string[]) {
  const name = names.find((wanted) => row[wanted] !== undefined);
  return name === undefined ? undefined : within(name, () => parsed(Cell, row[name]));
}

/** Names keep what the classifier takes; other characters become "_". */
function toLabelled(given: string, intent: string): Labelled {
  const text = within('text', () => parsed(Text, given));
  if (OUT_OF_SCOPE.has(intent.trim().toLowerCase())) return { text, intent: null };
  const name = intent
    .trim()
    .replace(/[^A-Za-z0-9 _.-]/g, '_')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 64);
  if (name === '')
    throw new Error(`intent: ${JSON.stringify(intent)} has no letter of A to Z and no digit`);
  return { text, intent: name };
}
