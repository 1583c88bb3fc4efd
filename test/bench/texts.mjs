import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './processes.mjs';

const WORDS = (
  'how do I write a function that sorts the list of names in my code please explain why this does ' +
  'not work when it is empty what would you say about love and loss translate these words into ' +
  'French summarize the following text for me quickly solve this equation and show every step is ' +
  'it raining tomorrow tell me a story about dragons'
).split(' ');

/** Whole numbers below so many, always the same ones in the same order. */
export function numbers(start = 1) {
  let seed = start;
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

const random = numbers();

/** So many words, never the same twice. */
export const text = (words) =>
  Array.from({ length: words }, () => WORDS[random(WORDS.length)]).join(' ');

const starter = (await readFile(join(root, 'services/classifier/exemplars/starter.ndjson'), 'utf8'))
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line).text.split(/\s+/));
const firsts = starter.map((words) => words.slice(0, Math.ceil(words.length / 2)).join(' '));
const seconds = starter.map((words) => words.slice(Math.ceil(words.length / 2)).join(' '));

/**
 * The n-th of as many texts as there are pairs of starter exemplars, in an order that mixes them: halves
 * of the exemplars put together anew, of which the first says the intent.
 */
export function prompt(n, intents) {
  const first = n % firsts.length;
  const second = (Math.floor(n / firsts.length) * 7 + first * 13) % seconds.length;
  return {
    intent: `intent-${first % intents}`,
    text: `${firsts[first]} ${seconds[second]}`.trim(),
  };
}
