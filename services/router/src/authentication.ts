import type { IncomingMessage } from 'node:http';
import { bearerToken, Secret } from '@switchyard/service-kit';
import { invalidApiKey } from './errors.js';

/** Who may use the router: the clients of API_KEYS, and the holder of the admin token. */
export class ClientKeys {
  readonly #keys: readonly { client: string; secret: Secret }[] | undefined;

  constructor(apiKeys: ReadonlyMap<string, string> | undefined, adminToken: string | undefined) {
    const keys = [...(apiKeys ?? [])];
    if (adminToken !== undefined) keys.push(['admin', adminToken]);
    this.#keys = apiKeys && keys.map(([client, key]) => ({ client, secret: new Secret(key) }));
  }

  /** Name of the client; undefined when keys are not in use. Throws `invalid_api_key`. */
  authenticate(request: IncomingMessage): string | undefined {
    if (!this.#keys) return undefined;
    const token = bearerToken(request);
    if (token !== undefined)
      for (const { client, secret } of this.#keys) if (secret.matches(token)) return client;
    throw invalidApiKey();
  }
}
