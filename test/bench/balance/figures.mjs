import { quantile } from '../figures.mjs';

/**
 * Of several runs together. `skew`: at the worst moment, how many more requests the busiest backend had
 * than the idlest.
 */
export function figures(runs) {
  const latencies = runs.flatMap((run) => run.latencies);
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((q) => quantile(latencies, q));
  const skew = Math.max(...runs.map((run) => run.skew));
  return { requests: latencies.length, p50, p95, p99, skew };
}

const shown = (value) => (value >= 10_000 ? `${Math.round(value / 1000)}k` : value.toFixed(0));

const COLUMNS = [
  ['one', '1 replica'],
  ['shared', '4, shared counts'],
  ['local', '4, local counts'],
];

/** A Markdown table: p50 / p95 / p99 in ms, then the skew. */
export function table(rows, ideal) {
  const cell = (f) =>
    f ? `${shown(f.p50)} / ${shown(f.p95)} / ${shown(f.p99)} (${shown(f.skew)})` : '';
  const head = ['policy', ...COLUMNS.map(([, title]) => title)];
  const lines = rows.map(({ name, ...results }) => [
    `\`${name.split(',')[0]}\`${name.slice(name.split(',')[0].length)}`,
    ...COLUMNS.map(([key]) => cell(results[key])),
  ]);
  const all = [
    head,
    head.map(() => '---'),
    ...lines,
    ['one queue for all (ideal)', cell(ideal), '', ''],
  ];
  return all.map((line) => `| ${line.join(' | ')} |`).join('\n');
}
