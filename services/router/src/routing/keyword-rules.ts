import type { KeywordRule } from '../configuration/schema.js';

/** The first rule that a text satisfies in all it asks for, with its place in the list. */
export function matchKeywords(
  rules: readonly KeywordRule[],
  text: string,
): { intent: string; rule: number } | undefined {
  const words = text.split(/\s+/).filter(Boolean).length;
  for (const [rule, { pattern, maxWords, intent }] of rules.entries()) {
    if (maxWords !== undefined && words > maxWords) continue;
    if (pattern !== undefined && !pattern.test(text)) continue;
    return { intent, rule };
  }
  return undefined;
}
