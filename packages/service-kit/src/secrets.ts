import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ConfigError } from './config-error.js';

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Compares without revealing, through time, how much of the secret was right. */
export class Secret {
  readonly #digest: Buffer;
  constructor(secret: string) {
    this.#digest = digest(secret);
  }
  matches(candidate: string): boolean {
    return timingSafeEqual(this.#digest, digest(candidate));
  }
}

export function bearerToken(request: IncomingMessage): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
}

const isLoopback = (host: string) =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

/** An open admin interface is accepted only where nobody else can reach it, or on demand. */
export function checkAdminExposure(options: {
  hostVariable: string;
  host: string;
  adminToken: string | undefined;
  allowUnauthenticated: boolean;
}): void {
  const { hostVariable, host, adminToken, allowUnauthenticated } = options;
  if (adminToken !== undefined || allowUnauthenticated || isLoopback(host)) return;
  throw new ConfigError([
    `ADMIN_TOKEN: must be set because ${hostVariable} is ${host}, which others can reach; ` +
      'set it, or listen on 127.0.0.1, or set ALLOW_UNAUTHENTICATED_ADMIN=true',
  ]);
}
