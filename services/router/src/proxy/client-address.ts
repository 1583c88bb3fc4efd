import type { IncomingHttpHeaders } from 'node:http';
import { isIP, isIPv6, SocketAddress } from 'node:net';

/** `::ffff:192.0.2.1`: an IPv4 address as a socket for both kinds shows it. */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;

/** What is needed of a request to know who sent it. */
export interface Origin {
  headers: IncomingHttpHeaders;
  socket: { remoteAddress?: string | undefined };
}

/**
 * Address of the client in one spelling. Each of the trusted proxies in front of the router appends
 * to `x-forwarded-for` whom it heard from, so with N of them the client is the Nth from the right, and
 * what stands further left is whatever the client wrote. With none, or when there is no address at that
 * place, it is the other end of the connection. Empty when even that is unknown.
 */
export function clientAddress({ headers, socket }: Origin, trustedProxies: number): string {
  const direct = normalAddress(socket.remoteAddress ?? '') ?? '';
  if (trustedProxies === 0) return direct;
  const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
  return normalAddress(forwarded.at(-trustedProxies) ?? '') ?? direct;
}

/** undefined when it is no IP address; a port, as some proxies append, is left out. */
function normalAddress(text: string): string | undefined {
  const bare = withoutPort(text.trim());
  if (isIP(bare) === 0) return undefined;
  if (!isIPv6(bare)) return bare;
  const [address = bare] = bare.split('%', 1);
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address;
  return MAPPED.exec(canonical)?.[1] ?? canonical;
}

function withoutPort(text: string): string {
  const bracketed = /^\[([^\]]*)\](:\d+)?$/.exec(text);
  if (bracketed) return bracketed[1] ?? text;
  return /^[\d.]+:\d+$/.test(text) ? text.slice(0, text.indexOf(':')) : text;
}
