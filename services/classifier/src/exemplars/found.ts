/** What `read` knows of `keys`; those it does not know are left out. */
export function found<T>(
  keys: readonly string[],
  read: (key: string) => T | undefined,
): ReadonlyMap<string, T> {
  const values = new Map<string, T>();
  for (const key of keys) {
    const value = read(key);
    if (value !== undefined) values.set(key, value);
  }
  return values;
}
