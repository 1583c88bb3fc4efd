import { RE2JS } from 're2js';

/** A pattern on RE2's automaton: its time is linear in the text, whatever pattern and text are. */
export interface Pattern {
  readonly source: string;
  test(text: string): boolean;
  /** The text without every match. */
  remove(text: string): string;
}

/** RE2 syntax, case-insensitive. Throws on a syntax error. */
export function compilePattern(source: string): Pattern {
  const compiled = RE2JS.compile(source, RE2JS.CASE_INSENSITIVE);
  return {
    source,
    test: (text) => compiled.matcher(text).find(),
    remove: (text) => compiled.matcher(text).replaceAll(''),
  };
}
