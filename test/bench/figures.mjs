import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';

/** Nearest rank. */
export function quantile(values, q) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** Of an even number of values the lower one of the two in the middle. */
export function median(values) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

const shortened = (value) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) return value ?? '';
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
};

/** A Markdown table of objects with the same fields, numbers in three digits. */
export function printTable(title, rows) {
  const fields = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = [fields, fields.map(() => '---')].concat(
    rows.map((row) =>
      fields.map((field) => (Number.isNaN(row[field]) ? '' : shortened(row[field]))),
    ),
  );
  process.stdout.write(`\n${title}\n\n`);
  for (const line of lines) process.stdout.write(`| ${line.join(' | ')} |\n`);
}

/** Writes results/NAME.json: what was found, when, and on which machine. */
export async function save(name, found) {
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
  const result = { date: new Date().toISOString(), machine, ...found };
  const rounded = (_key, value) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
  const folder = new URL('results/', import.meta.url);
  await mkdir(folder, { recursive: true });
  await writeFile(new URL(`${name}.json`, folder), `${JSON.stringify(result, rounded, 1)}\n`);
}
