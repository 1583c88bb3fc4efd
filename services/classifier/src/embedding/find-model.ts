import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ChosenModel } from './choose-model.js';
import { openModelFolder } from './preparation/index.js';

export interface WantedModel {
  modelDigest: string;
  /** Where it was found before. */
  origin?: string | undefined;
}

/** The model of this digest where it was before, or in another folder of `modelDir`. */
export async function findModel(
  { modelDigest, origin }: WantedModel,
  modelDir: string,
): Promise<ChosenModel | undefined> {
  const names = await readdir(modelDir).catch(() => []);
  const folders = names.map((name) => join(modelDir, name));
  for (const path of new Set([...(origin ? [origin] : []), ...folders])) {
    const found = await openModelFolder(path).catch(() => undefined);
    if (found?.digest !== modelDigest) continue;
    return {
      modelName: basename(path),
      modelDigest,
      model: path,
      remote: false,
      dtype: found.dtype,
    };
  }
  return undefined;
}
