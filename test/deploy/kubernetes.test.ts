import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Deployment } from 'kubernetes-models/apps/v1';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Namespace, Service } from 'kubernetes-models/v1';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadFleet } from '../../services/router/src/configuration/load-fleet.js';
import { root } from '../support/service-process.js';

const folder = join(root, 'deploy/kubernetes');
const models = {
  Deployment,
  HorizontalPodAutoscaler,
  Namespace,
  NetworkPolicy,
  PodDisruptionBudget,
  Service,
};

interface Manifest {
  kind: keyof typeof models;
  apiVersion: string;
  metadata: { name: string };
  // biome-ignore lint/suspicious/noExplicitAny: the models check what it is.
  spec: any;
}

const kustomization = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8'));
const manifests = kustomization.resources.flatMap((file: string) =>
  parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map(
    (document) => [`${file} ${document.get('kind')}`, document.toJS()] as [string, Manifest],
  ),
) as [string, Manifest][];

function check(manifest: Manifest) {
  const model = new models[manifest.kind](manifest as never);
  expect(model.apiVersion).toBe(manifest.apiVersion);
  model.validate();
}

test.each(manifests)('%s is as Kubernetes wants it', (_name, manifest) => {
  check(manifest);
});

test('what is not as Kubernetes wants it would be found', () => {
  const [, deployment] = manifests.find(([name]) => name === 'router.yaml Deployment') ?? [];
  const broken = structuredClone(deployment) as Manifest;
  broken.spec.template.spec.containers[0].ports[0].containerPort = '9000';
  expect(() => check(broken)).toThrow(/containerPort must be integer/);
});

test('the kustomization names every manifest, and the examples it needs are there', () => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  const generated = kustomization.configMapGenerator.flatMap(
    ({ files }: { files: string[] }) => files,
  );
  expect([...kustomization.resources, ...generated, 'kustomization.yaml'].sort()).toEqual(
    files.sort(),
  );
  const secrets = readFileSync(join(folder, 'secrets.env.example'), 'utf8');
  for (const name of ['REDIS_URL', 'ADMIN_TOKEN', 'API_KEYS'])
    expect(secrets).toContain(`${name}=`);
});

test('selectors, ports and probes belong together', () => {
  const all = manifests.map(([, manifest]) => manifest);
  for (const { spec } of all.filter(({ kind }) => kind === 'Deployment')) {
    const { labels } = spec.template.metadata;
    const [container] = spec.template.spec.containers;
    expect(labels).toMatchObject(spec.selector.matchLabels);
    expect(container.readinessProbe.httpGet).toEqual({ path: '/ready', port: 'http' });
    expect(container.livenessProbe.httpGet).toEqual({ path: '/health', port: 'http' });
    const app = labels['app.kubernetes.io/name'];
    const services = all.filter(
      ({ kind, metadata }) => kind === 'Service' && metadata.name === app,
    );
    expect(services[0]?.spec.ports[0].port).toBe(container.ports[0].containerPort);
    for (const { spec: service } of services) expect(labels).toMatchObject(service.selector);
  }
});

test('the example fleet can be loaded', () => {
  expect([...loadFleet(join(folder, 'fleet.yaml'), {}).fleet.pools.keys()]).toEqual([
    'code',
    'chat',
  ]);
});
