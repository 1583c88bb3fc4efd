import type { RedisClient } from '@switchyard/service-kit';

export type Argument = string | number | Buffer;

/** A Lua script on a connection: sent once, then called by its digest. */
export class RedisScript {
  constructor(
    private readonly client: RedisClient,
    private readonly name: string,
    lua: string,
  ) {
    client.defineCommand(name, { lua });
  }

  /** Rejects when Redis is away, and with anything the script says. */
  async run(keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    type Command = (count: number, ...rest: Argument[]) => Promise<unknown>;
    const command = this.client[this.name as keyof RedisClient] as unknown as Command;
    return command.call(this.client, keys.length, ...keys, ...args);
  }
}
