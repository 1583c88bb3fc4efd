import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadFleet } from '../../services/router/src/configuration/load-fleet.js';
import { Fleet } from '../support/fleet.js';
import { root } from '../support/service-process.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const read = (path: string) => readFileSync(join(root, path), 'utf8');

interface Service {
  image: string;
  build?: { target: string };
  ports?: string[];
  volumes?: string[];
  read_only: boolean;
  cap_drop: string[];
  security_opt: string[];
  profiles?: string[];
}
const { services } = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>;
};

test('nothing is published but the edge and Grafana, and those on loopback', () => {
  const published = Object.entries(services).filter(([, { ports }]) => ports !== undefined);
  expect(published.map(([name]) => name).sort()).toEqual(['edge', 'grafana']);
  for (const [, { ports = [] }] of published)
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
});

test.each(Object.entries(services))('%s has few rights', (_name, service) => {
  expect(service.read_only).toBe(true);
  expect(service.cap_drop).toEqual(['ALL']);
  expect(service.security_opt).toEqual(['no-new-privileges:true']);
});

test('every target and every mounted file is there', () => {
  const dockerfile = read('Dockerfile');
  for (const { build, volumes = [] } of Object.values(services)) {
    if (build) expect(dockerfile).toContain(` AS ${build.target}\n`);
    for (const volume of volumes)
      if (volume.startsWith('./') && volume.split(':')[0]?.includes('.', 2))
        expect(() => read(volume.split(':')[0] ?? '')).not.toThrow();
  }
});

test('the configurations for it can be loaded', () => {
  for (const name of ['demo', 'compose-llama', 'llama-cpp'])
    expect(loadFleet(join(root, `config/${name}.yaml`), {}).pools.size).toBeGreaterThan(1);
});

test('the dashboard asks for metrics that there are', async () => {
  await using directory = await temporaryDirectory();
  await using classifier = await startClassifier(directory.path);
  await using fleet = await Fleet.start({ pools: { main: ['a'] } });
  const metrics = await Promise.all(
    [classifier.url, fleet.url].map(async (url) => (await fetch(`${url}/metrics`)).text()),
  );
  const known = new Set(
    metrics.flatMap((text) => [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)),
  );
  const dashboard = read('deploy/observability/grafana/dashboards/switchyard.json');
  const asked = [...dashboard.matchAll(/\b(switchyard_\w+?|process_\w+?)(?:_bucket)?\b[[{( )]/g)];
  expect(asked.length).toBeGreaterThan(20);
  for (const [, name] of asked) expect(known, name).toContain(name);
});
