/**
 * Keeps the beginning and the end of a token sequence: a prompt says what it wants first or last,
 * and pasted material stands between. An odd budget gives the extra token to the beginning.
 */
export function cutMiddle(tokens: readonly number[], budget: number): readonly number[] {
  if (tokens.length <= budget) return tokens;
  const head = Math.ceil(budget / 2);
  const tail = budget - head;
  return tail === 0
    ? tokens.slice(0, head)
    : [...tokens.slice(0, head), ...tokens.slice(tokens.length - tail)];
}
