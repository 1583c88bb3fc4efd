import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ConfigError, fieldPath } from '@switchyard/service-kit';
import { type Document, parseDocument } from 'yaml';
import type { z } from 'zod';
import { checkReferences } from './check-references.js';
import { type Fleet, FleetFile, toFleet } from './schema.js';
import { substitute } from './substitute.js';

export interface FleetFileContent {
  fleet: Fleet;
  source: string;
  /** Begins the digest of the source. */
  version: string;
}

/** Reads the router's YAML file. Throws ConfigError with one line per problem. */
export function loadFleet(
  path: string,
  environment: Record<string, string | undefined>,
): FleetFileContent {
  let source: string;
  try {
    source = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError([`SWITCHYARD_CONFIG: cannot read ${path} (${code})`]);
  }
  const problems: string[] = [];
  const fleet = parseFleet(source, environment, problems);
  const version = createHash('sha256').update(source).digest('hex').slice(0, 12);
  if (fleet) return { fleet, source, version };
  throw new ConfigError(problems.map((problem) => `${path}: ${problem}`));
}

/** undefined when there are problems, which are added to the list. */
export function parseFleet(
  source: string,
  environment: Record<string, string | undefined>,
  problems: string[],
): Fleet | undefined {
  const document = parseDocument(source, { prettyErrors: true });
  for (const { message } of document.errors) problems.push(message.split('\n')[0] ?? message);
  if (problems.length > 0) return undefined;
  const content = contentOf(document, problems);
  if (problems.length > 0) return undefined;
  const substituted = substitute(content, environment);
  problems.push(...substituted.problems);
  if (problems.length > 0) return undefined;
  const parsed = FleetFile.safeParse(substituted.value);
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap(describe));
  else problems.push(...checkReferences(parsed.data));
  return parsed.success && problems.length === 0 ? toFleet(parsed.data) : undefined;
}

/** Aliases can blow a small file up to any size, or lead back into what they are part of. */
function contentOf(document: Document, problems: string[]): unknown {
  try {
    const content: unknown = document.toJS({ maxAliasCount: 100 });
    JSON.stringify(content);
    return content;
  } catch (error) {
    const circular = error instanceof TypeError;
    const reason = error instanceof Error ? error.message : String(error);
    problems.push(`the file: ${circular ? 'refers to itself' : reason}`);
    return undefined;
  }
}

function describe(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'invalid_union') {
    // Of several shapes the one that is meant is wrong only further down.
    const meant = issue.errors.find((issues) => issues.every(isWithin));
    if (meant)
      return meant.flatMap((inner) => describe({ ...inner, path: [...issue.path, ...inner.path] }));
  }
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${fieldPath([...issue.path, key])}: is not a known setting`);
  if (issue.code === 'invalid_key')
    return [`${fieldPath(issue.path)}: ${issue.issues[0]?.message ?? 'is not a valid name'}`];
  if (issue.path.length === 0) return [`the file: ${issue.message}`];
  return [`${fieldPath(issue.path)}: ${issue.message}`];
}

const isWithin = ({ path, code }: z.core.$ZodIssue) =>
  path.length > 0 || code === 'unrecognized_keys';
