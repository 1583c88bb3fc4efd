import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '@switchyard/service-kit';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Keeps two processes from using one data directory: each would serve its own idea of the
 * exemplars. Holds the owner's process id, so a lock left by `kill -9` is recognised as stale.
 */
export class DirectoryLock {
  private constructor(private readonly path: string) {}

  /** Throws ConfigError while another living process holds the directory. */
  static take(directory: string): DirectoryLock {
    const path = join(directory, 'classifier.pid');
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        writeFileSync(path, String(process.pid), { flag: 'wx' });
        return new DirectoryLock(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        const owner = Number(readFileSync(path, 'utf8'));
        if (owner > 0 && owner !== process.pid && isAlive(owner)) break;
        rmSync(path, { force: true });
      }
    }
    throw new ConfigError([
      `DATA_DIR: ${directory} is in use by another classifier (${path} names its process)`,
    ]);
  }

  release(): void {
    rmSync(this.path, { force: true });
  }
}
