import { parseEnvironment, userPath, variable } from '@switchyard/service-kit';
import { z } from 'zod';
import { prepareModel } from './prepare-model.js';

const Variables = z.object({ MODEL_DIR: variable.text('./.models') });

try {
  const { MODEL_DIR: modelDir } = parseEnvironment(Variables, process.env);
  const model = await prepareModel({
    modelDir: userPath(modelDir, process.env),
    log: (line) => console.log(line),
  });
  const how = model.prepared ? 'prepared' : 'already there';
  console.log(`Model ready in ${model.path} (${how}, digest ${model.digest.slice(0, 12)})`);
} catch (error) {
  const [line] = (error instanceof Error ? error.message : String(error)).split('\n');
  console.error(line);
  process.exitCode = 1;
}
