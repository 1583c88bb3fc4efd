import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root, ServiceProcess } from './service-process.js';

const modelDir = process.env.MODEL_DIR ?? `${root}.models`;

type Env = Record<string, string | undefined>;

/** The real classifier with the real model; `CLASSIFIER_PORT` is a free one unless given. */
export function startClassifier(dataDir: string, env: Env = {}): Promise<ServiceProcess> {
  return ServiceProcess.start({
    entry: 'services/classifier/dist/server.js',
    env: { CLASSIFIER_PORT: '0', DATA_DIR: dataDir, MODEL_DIR: modelDir, ...env },
  });
}

export interface RouterOptions {
  /** Folder to write the configuration into. */
  directory: string;
  yaml: string;
  classifierUrl?: string;
  env?: Env;
}

/** Where `startRouter` puts the configuration. */
export const fleetPath = (directory: string): string => join(directory, 'fleet.yaml');

/** Another configuration for a router that runs, in place at once as editors do it. */
export async function replaceFleet(directory: string, yaml: string): Promise<void> {
  await writeFile(`${fleetPath(directory)}.new`, yaml);
  await rename(`${fleetPath(directory)}.new`, fleetPath(directory));
}

/** The real router on a free port, with this YAML. */
export async function startRouter(options: RouterOptions): Promise<ServiceProcess> {
  const { directory, yaml, classifierUrl, env } = options;
  const path = fleetPath(directory);
  await writeFile(path, yaml);
  return ServiceProcess.start(
    {
      entry: 'services/router/dist/server.js',
      env: {
        ROUTER_PORT: '0',
        SWITCHYARD_CONFIG: path,
        // Nothing listens there: without a classifier, keyword rules decide.
        CLASSIFIER_URL: classifierUrl ?? 'http://127.0.0.1:9',
        ...env,
      },
    },
    '/health',
  );
}
