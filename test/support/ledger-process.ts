import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Candidate {
  id: string;
  capacity: number;
  weight: number;
}

const WORKER = fileURLToPath(new URL('ledger-worker.mjs', import.meta.url));

/** A router's ledger in a process of its own, which can be killed and stopped. */
export class LedgerProcess implements AsyncDisposable {
  #calls = 0;

  private constructor(private readonly child: ChildProcess) {}

  static async start(url: string, prefix: string, leaseMs: number): Promise<LedgerProcess> {
    // Not what the test runner itself was started with: the worker runs what was built.
    const child = fork(WORKER, [url, prefix, String(leaseMs)], { stdio: 'inherit', execArgv: [] });
    await once(child, 'message');
    return new LedgerProcess(child);
  }

  /** The first with room, in order; null when there is none. */
  acquire(...candidates: Candidate[]): Promise<string | null> {
    return this.#call('acquire', { candidates, rule: { kind: 'inOrder' } });
  }

  /** Gives back the lease that it has held longest. */
  release(): Promise<void> {
    return this.#call('release');
  }

  status(): Promise<{ counts: string; replicas: number }> {
    return this.#call('status');
  }

  hammer(how: {
    ms: number;
    workers: number;
    candidates: Candidate[];
  }): Promise<{ taken: number; exceeded: number }> {
    return this.#call('hammer', how);
  }

  stop(): void {
    this.child.kill('SIGSTOP');
  }

  goOn(): void {
    this.child.kill('SIGCONT');
  }

  /** SIGKILL. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }

  async #call<T>(verb: string, argument?: unknown): Promise<T> {
    const call = ++this.#calls;
    return new Promise((resolve, reject) => {
      const onMessage = (answer: { call: number; result: T }) => {
        if (answer.call !== call) return;
        this.child.off('message', onMessage).off('exit', onExit);
        resolve(answer.result);
      };
      const onExit = () => reject(new Error(`the process ended during ${verb}`));
      this.child.on('message', onMessage).once('exit', onExit);
      this.child.send({ call, verb, argument });
    });
  }
}
