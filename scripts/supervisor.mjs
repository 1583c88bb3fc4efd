import { fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, progress } from './environment.mjs';

/** The exit code of a wrong configuration (sysexits.h): starting again will not help. */
const EXIT_CONFIG = 78;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
/** A child that ran this long was well; its next restart is quick again. */
const WELL_AFTER_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;

/**
 * Keeps the demo's processes running: one that dies is started again, the others stay. They are in
 * this process's group and also leave when it is gone, so nothing outlives it.
 */
export class Supervisor {
  /** @type {Map<string, import('node:child_process').ChildProcess>} */
  #children = new Map();
  /** @type {{ name: string, url: string }[]} */
  #probes = [];
  #env;
  #stopping = false;
  #isReady = false;

  /** @param {NodeJS.ProcessEnv} env */
  constructor(env) {
    this.#env = env;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => this.stop(0));
  }

  /**
   * @param {string} name
   * @param {string} script
   * @param {string[]} args
   * @param {string} probe answers 200 when the child can serve
   */
  start(name, script, args, probe) {
    this.#probes.push({ name, url: probe });
    this.#spawn(name, script, args, FIRST_PAUSE_MS);
  }

  /** @param {number} timeoutMs */
  async ready(timeoutMs) {
    const deadline = Date.now() + timeoutMs;
    for (const { name, url } of this.#probes)
      while (!(await answers(url))) {
        if (this.#stopping) await new Promise(() => {});
        if (Date.now() > deadline) {
          progress(`${name} did not become ready within ${timeoutMs / 1000} s (${url})`);
          this.stop(1);
        }
        await sleep(50);
      }
    this.#isReady = true;
  }

  /** @param {number} code */
  stop(code) {
    if (this.#stopping) return;
    this.#stopping = true;
    for (const child of this.#children.values()) child.kill('SIGTERM');
    const limit = setTimeout(() => {
      for (const child of this.#children.values()) child.kill('SIGKILL');
    }, STOP_TIMEOUT_MS);
    const poll = setInterval(() => {
      if (this.#children.size > 0) return;
      clearTimeout(limit);
      clearInterval(poll);
      process.exit(code);
    }, 20);
  }

  /**
   * @param {string} name
   * @param {string} script
   * @param {string[]} args
   * @param {number} pauseMs before a restart
   */
  #spawn(name, script, args, pauseMs) {
    const started = Date.now();
    const child = fork(script, args, {
      env: this.#env,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#children.set(name, child);
    child.once('error', (error) => fail(`${name}: ${error.message}`));
    child.once('exit', (code, signal) => {
      this.#children.delete(name);
      if (this.#stopping) return;
      if (code === EXIT_CONFIG && !this.#isReady) {
        this.stop(EXIT_CONFIG);
        return;
      }
      const pause = Date.now() - started > WELL_AFTER_MS ? FIRST_PAUSE_MS : pauseMs;
      progress(
        `${name} ended (${signal ?? `exit code ${code}`}); starting it again in ${pause} ms`,
      );
      setTimeout(() => {
        if (!this.#stopping) this.#spawn(name, script, args, Math.min(LONGEST_PAUSE_MS, pause * 2));
      }, pause);
    });
  }
}

/** @param {string} url */
async function answers(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
