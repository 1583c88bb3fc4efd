import type { z } from 'zod';

/** What is wrong with one field; `field` is written as in JavaScript: `messages[0].role`. */
export interface FieldProblem {
  field: string;
  message: string;
}

function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>((name, key) => {
    if (typeof key === 'number') return `${name}[${key}]`;
    return name === '' ? String(key) : `${name}.${String(key)}`;
  }, '');
}

/** Zod reports unknown keys on their parent; here each becomes a problem of its own. */
export function fieldProblems(error: z.ZodError): FieldProblem[] {
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ field: fieldName([...issue.path, key]), message: 'unknown' }))
      : [{ field: fieldName(issue.path), message: issue.message }],
  );
}
