import type { OnConflict } from '@switchyard/contracts';
import { expect, test } from 'vitest';
import type { Exemplar } from './exemplar.js';
import { planAddition } from './plan-addition.js';

const parse = (line: string): Exemplar => {
  const [id = '', intent = ''] = line.split('>');
  return { id, intent, text: id, vector: new Float32Array() };
};
const show = ({ id, intent }: Exemplar) => `${id}>${intent}`;

/** Stored: x under `old`. */
const rows: {
  onConflict: OnConflict;
  add: string[];
  added: string[];
  duplicates: string[];
  conflicts: string[];
}[] = [
  {
    onConflict: 'reject',
    add: ['n>a', 'm>b'],
    added: ['n>a', 'm>b'],
    duplicates: [],
    conflicts: [],
  },
  { onConflict: 'reject', add: ['x>old'], added: [], duplicates: ['x>old'], conflicts: [] },
  { onConflict: 'reject', add: ['x>a'], added: [], duplicates: [], conflicts: ['x>a held by old'] },
  { onConflict: 'move', add: ['x>a'], added: ['x>a'], duplicates: [], conflicts: [] },
  { onConflict: 'move', add: ['n>a', 'n>a'], added: ['n>a'], duplicates: ['n>a'], conflicts: [] },
  {
    onConflict: 'move',
    add: ['n>a', 'n>b'],
    added: ['n>a'],
    duplicates: [],
    conflicts: ['n>b held by a'],
  },
  {
    onConflict: 'move',
    add: ['x>a', 'x>old'],
    added: ['x>a'],
    duplicates: [],
    conflicts: ['x>old held by a'],
  },
  {
    onConflict: 'move',
    add: ['x>old', 'x>a'],
    added: [],
    duplicates: ['x>old'],
    conflicts: ['x>a held by old'],
  },
  {
    onConflict: 'reject',
    add: ['x>a', 'x>old'],
    added: [],
    duplicates: ['x>old'],
    conflicts: ['x>a held by old'],
  },
];

test.each(rows)('$onConflict $add', ({ onConflict, add, added, duplicates, conflicts }) => {
  const stored = (id: string) => (id === 'x' ? 'old' : undefined);
  const plan = planAddition(add.map(parse), onConflict, stored);
  expect(plan.added.map(show)).toEqual(added);
  expect(plan.duplicates.map(show)).toEqual(duplicates);
  expect(
    plan.conflicts.map(({ exemplar, heldBy }) => `${show(exemplar)} held by ${heldBy}`),
  ).toEqual(conflicts);
});
