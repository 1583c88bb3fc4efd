/** Where Redis is, and how to be let in. */
export interface RedisLocation {
  /** One: a single server. More: nodes of a Redis Cluster, from which the others are found. */
  nodes: readonly { host: string; port: number }[];
  tls: boolean;
  username?: string;
  password?: string;
  /** Number of the database; a Cluster has only 0. */
  db: number;
}

/** One thing that is wrong with a REDIS_URL; the message never repeats a part of it. */
export class RedisUrlError extends Error {}

/** Reads `redis://[user:password@]host[:port][/db]`; `rediss://` for TLS; several for a Cluster. */
export function parseRedisUrl(text: string): RedisLocation {
  const urls = text.split(',').map((part) => part.trim());
  const read = urls.map((url, index) => readUrl(url, urls.length > 1 ? ordinal(index) : ''));
  const [first, ...others] = read;
  if (!first) throw new RedisUrlError('must be a URL');
  for (const other of others) {
    const isSame =
      other.tls === first.tls &&
      other.username === first.username &&
      other.password === first.password;
    if (!isSame)
      throw new RedisUrlError(
        'must give all nodes of a Cluster the same scheme, user and password',
      );
  }
  if (others.length > 0 && read.some(({ db }) => db !== 0))
    throw new RedisUrlError('must name no database: a Redis Cluster has only number 0');
  return { ...first, nodes: read.flatMap(({ nodes }) => nodes) };
}

/** For people: without user and password. */
export const showRedisLocation = ({ nodes, tls, db }: RedisLocation) =>
  nodes
    .map(({ host, port }) => `${tls ? 'rediss' : 'redis'}://${bracketed(host)}:${port}`)
    .join(',') + (db === 0 ? '' : `/${db}`);

const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host);

const ordinal = (index: number) => ` (URL ${index + 1} of the list)`;

function readUrl(text: string, which: string): RedisLocation {
  const problem = (what: string) => new RedisUrlError(`${what}${which}`);
  if (!/^rediss?:\/\//.test(text) || !URL.canParse(text))
    throw problem('must be redis://host:port or rediss://host:port, or several with commas');
  const url = new URL(text);
  if (url.hostname === '') throw problem('must name a host');
  if (url.search !== '' || url.hash !== '') throw problem('must have no query and no fragment');
  const database = /^\/?(\d{0,5})$/.exec(url.pathname)?.[1];
  if (database === undefined) throw problem('must end in the number of a database, if in a path');
  const decoded = (part: string) => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw problem('must write "%" in a user or password as %25');
    }
  };
  return {
    nodes: [{ host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 6379) }],
    tls: url.protocol === 'rediss:',
    ...(url.username !== '' && { username: decoded(url.username) }),
    ...(url.password !== '' && { password: decoded(url.password) }),
    db: Number(database),
  };
}
