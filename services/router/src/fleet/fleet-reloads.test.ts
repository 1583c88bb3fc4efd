import { ConfigError } from '@switchyard/service-kit';
import { expect, test } from 'vitest';
import type { FleetFileContent } from '../configuration/load-fleet.js';
import type { Fleet } from '../configuration/schema.js';
import { fleetOf, quiet } from '../test-support/test-router.js';
import { FleetReloads } from './fleet-reloads.js';

const contentOf = (version: string): FleetFileContent => ({
  fleet: fleetOf(
    `pools: { ${version}: { backends: [{ name: a, url: "http://h" }] } }\ndefault: ${version}\n`,
  ),
  source: version,
  version,
});

function reloading(apply: (fleet: Fleet) => Promise<void> = async () => undefined) {
  const applied: string[] = [];
  const file: { now: FleetFileContent | string[] } = { now: contentOf('one') };
  const reloads = new FleetReloads({
    path: '/fleet.yaml',
    loaded: contentOf('one'),
    read: () => {
      if (Array.isArray(file.now)) throw new ConfigError(file.now);
      return file.now;
    },
    apply: async (fleet) => {
      applied.push(fleet.default);
      await apply(fleet);
    },
    logger: quiet,
  });
  return { reloads, applied, file };
}

test('a new file is applied, the same one is not', async () => {
  const { reloads, applied, file } = reloading();
  await reloads.reload('test');
  expect(reloads.status).toMatchObject({ version: 'one', applied: 0, problems: [] });
  file.now = contentOf('two');
  await reloads.reload('test');
  await reloads.reload('test');
  expect(applied).toEqual(['two']);
  expect(reloads.status).toMatchObject({ version: 'two', applied: 1, refused: 0 });
});

test('one with mistakes is refused with its problems until it is mended', async () => {
  const { reloads, applied, file } = reloading();
  file.now = ['pools: must be there', 'default: must be there'];
  await reloads.reload('test');
  expect(reloads.isValid).toBe(false);
  expect(reloads.status).toMatchObject({ version: 'one', refused: 1, problems: file.now });
  expect(reloads.status.refusedAt).not.toBeNull();
  file.now = contentOf('one');
  await reloads.reload('test');
  expect(reloads.isValid).toBe(true);
  expect(reloads.status).toMatchObject({ problems: [], refusedAt: null });
  expect(applied).toEqual([]);
});

test('one after the other, however quickly they come; a failure does not end it', async () => {
  let running = 0;
  const { reloads, applied, file } = reloading(async ({ default: name }) => {
    expect(++running).toBe(1);
    await Promise.resolve();
    running--;
    if (name === 'two') throw new Error('cannot');
  });
  file.now = contentOf('two');
  const first = reloads.reload('test');
  const second = first.then(() => {
    file.now = contentOf('three');
    return Promise.all([reloads.reload('test'), reloads.reload('test')]);
  });
  await second;
  expect(applied).toEqual(['two', 'three']);
  expect(reloads.status).toMatchObject({ version: 'three', applied: 1, refused: 1, problems: [] });
});
