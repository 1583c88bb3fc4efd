/**
 * URL of the built file of a worker thread, `name` beside the module `from`. Threads run JavaScript:
 * where the sources run as they are, in tests, that is the file in `dist`.
 */
export function threadFile(name: string, from: string): URL {
  const built = from.endsWith('.ts') ? from.replace(/(.*)\/src\//, '$1/dist/') : from;
  return new URL(name, built);
}
