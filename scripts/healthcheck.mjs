/** `node healthcheck.mjs URL`, for images that have no curl: exit code 0 when it answers 2xx. */
const [, , url = ''] = process.argv;
const answer = await fetch(url, { signal: AbortSignal.timeout(2500) }).catch(() => undefined);
process.exit(answer?.ok ? 0 : 1);
