/** `${NAME}` or `${NAME:-what is used when NAME is unset or empty}` */
const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

export interface Substituted {
  value: unknown;
  problems: string[];
}

/** Replaces references to environment variables in every string of a parsed YAML document. */
export function substitute(
  value: unknown,
  environment: Record<string, string | undefined>,
  path = '',
): Substituted {
  const problems: string[] = [];
  const walk = (part: unknown, at: string): unknown => {
    if (typeof part === 'string')
      return part.replace(REFERENCE, (_all, name: string, fallback: string | undefined) => {
        const found = environment[name] || fallback;
        if (found === undefined)
          problems.push(`${at}: the environment variable ${name} is not set`);
        return found ?? '';
      });
    if (Array.isArray(part)) return part.map((item, index) => walk(item, `${at}[${index}]`));
    if (part !== null && typeof part === 'object')
      return Object.fromEntries(
        Object.entries(part).map(([key, item]) => [key, walk(item, at ? `${at}.${key}` : key)]),
      );
    return part;
  };
  return { value: walk(value, path), problems };
}
