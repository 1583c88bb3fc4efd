import { expect, test } from 'vitest';
import { ChaosRun, ROUTERS } from '../support/chaos/chaos-run.js';
import type { Excess } from '../support/chaos/load-watch.js';
import type { Asked } from '../support/chaos/traffic.js';
import { eventually } from '../support/eventually.js';

/** `CHAOS_ROUNDS=10 npx vitest run test/e2e/chaos.test.ts` takes about ten minutes. */
const SEED = Number(process.env.CHAOS_SEED ?? 20_261);
const ROUNDS = Number(process.env.CHAOS_ROUNDS ?? 1);
const ROUND_LIMIT_MS = 150_000;
/** What was taken in the moment Redis went, unknown to the others, runs for no longer than this. */
const LONGEST_MS = 3000;

const inPhase = (pattern: RegExp) => (one: Asked) =>
  pattern.test(one.phase) || pattern.test(one.endPhase);

/** An answer that began can break off when its own backend or router breaks, not otherwise. */
const isExplained = (run: ChaosRun) => (one: Asked) =>
  run.killed.has(one.pid) || inPhase(new RegExp(`(killed|cut) \\(${one.backend}\\)`))(one);

/**
 * Without Redis a router takes one slot wherever it may not know of the others', so that small
 * capacities are exceeded by so much; larger ones only by what began in the moment it went.
 */
const isOfOutage = (run: ChaosRun) => (excess: Excess) =>
  run.outages.some(({ from, until }) => {
    if (excess.from < from || excess.until > until) return false;
    const small = excess.limit < ROUTERS && excess.load - excess.left <= ROUTERS;
    return (
      small ||
      (excess.from < from + LONGEST_MS && excess.load - excess.left < excess.limit + ROUTERS)
    );
  });

test(
  `nothing is lost and no backend overrun while things break (seed ${SEED})`,
  async () => {
    await using run = await ChaosRun.start(SEED);
    run.traffic.start();
    for (let round = 0; round < ROUNDS; round++) {
      await run.oneFaultAtATime();
      await run.killRouter();
      await run.restartRedis();
      await run.pauseRedis();
      await run.manyFaults(2);
    }
    await run.traffic.stop();
    const { asked } = run.traffic;
    const of = (outcome: Asked['outcome']) => asked.filter((one) => one.outcome === outcome);

    const isMany = inPhase(/^many/);
    expect(of('failed').filter((one) => !isMany(one))).toEqual([]);
    expect(of('failed').length).toBeLessThanOrEqual(await run.retriesDenied());
    expect(of('lost').filter(({ pid }) => !run.killed.has(pid))).toEqual([]);
    expect(of('cut').filter((one) => !isExplained(run)(one))).toEqual([]);
    const unexplained = run.watch.excesses.filter((excess) => !isOfOutage(run)(excess));
    expect(unexplained, JSON.stringify(run.outages)).toEqual([]);
    await eventually(async () => expect(await run.leftovers()).toEqual([]));

    // Or nothing of the above would say anything.
    expect(of('served').length).toBeGreaterThan(0.8 * asked.length);
    expect(new Set(of('served').map(({ backend }) => backend)).size).toBe(6);
    expect(of('cut').length).toBeGreaterThan(0);
    for (const router of run.replicas.routers) expect(await router.kill('SIGTERM')).toBe(0);
  },
  ROUNDS * ROUND_LIMIT_MS,
);
