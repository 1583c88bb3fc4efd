import { resolve } from 'node:path';
import { prepareModel } from './prepare-model.js';

// INIT_CWD is where the user ran the package manager, which is what a relative MODEL_DIR means.
const { MODEL_DIR: modelDir = './.models', INIT_CWD: start = process.cwd() } = process.env;

try {
  const model = await prepareModel({
    modelDir: resolve(start, modelDir),
    log: (line) => console.log(line),
  });
  const how = model.prepared ? 'prepared' : 'already there';
  console.log(`Model ready in ${model.path} (${how}, digest ${model.digest.slice(0, 12)})`);
} catch (error) {
  const [line] = (error instanceof Error ? error.message : String(error)).split('\n');
  console.error(line);
  process.exitCode = 1;
}
