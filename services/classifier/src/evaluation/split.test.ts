import { expect, test } from 'vitest';
import type { Labelled } from './dataset.js';
import { split } from './split.js';

const train: Labelled[] = Array.from({ length: 40 }, (_, n) => ({
  text: `prompt ${n}`,
  intent: n < 20 ? 'a' : 'b',
}));
const foreign: Labelled[] = [{ text: 'foreign', intent: null }];
const textsOf = (prompts: readonly Labelled[]) => prompts.map(({ text }) => text);

test('a seed draws as many of each intent, always the same ones, and another seed others', () => {
  const drawn = split({ train, test: foreign }, { shots: 5, seed: 1 });
  expect(drawn.train.filter(({ intent }) => intent === 'a')).toHaveLength(5);
  expect(drawn.train.filter(({ intent }) => intent === 'b')).toHaveLength(5);
  expect(split({ train, test: foreign }, { shots: 5, seed: 1 })).toEqual(drawn);
  expect(split({ train, test: foreign }, { shots: 5, seed: 2 })).not.toEqual(drawn);
  expect(drawn.test).toEqual(foreign);
});

test('without a seed it takes the first ones', () => {
  const { train: taken } = split({ train, test: foreign }, { shots: 2, seed: undefined });
  expect(textsOf(taken)).toEqual(['prompt 0', 'prompt 1', 'prompt 20', 'prompt 21']);
});

test('where the file names none, what is not drawn is for testing, and what is foreign', () => {
  const whole = [...train, ...foreign];
  for (const shots of [5, undefined]) {
    const { train: taken, test: rest } = split(
      { train: whole, test: undefined },
      { shots, seed: 1 },
    );
    expect(taken).toHaveLength(shots ? 10 : 32);
    expect([...textsOf(taken), ...textsOf(rest)].sort()).toEqual(textsOf(whole).sort());
    expect(rest).toContainEqual(foreign[0]);
  }
});
