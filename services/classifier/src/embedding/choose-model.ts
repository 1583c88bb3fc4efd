import { basename, isAbsolute, join } from 'node:path';
import { ConfigError } from '@switchyard/service-kit';
import { ModelFolderError, openModelFolder } from './preparation/index.js';

export interface ChosenModel {
  /** Shown to users and sent as `model` in answers. */
  modelName: string;
  modelDigest: string;
  /** Folder, or with `remote` a name on the hub. */
  model: string;
  remote: boolean;
  dtype: 'q8' | 'fp32';
}

export interface ModelSettings {
  /** A name in `modelDir` or on the hub, or an absolute path. */
  model: string;
  modelDir: string;
  allowRemoteModels: boolean;
}

/**
 * The model the settings mean. A folder is checked byte by byte; ConfigError says what is wrong
 * with it. Only with ALLOW_REMOTE_MODELS is a name that is not in `modelDir` left to the hub.
 */
export async function chooseModel(settings: ModelSettings): Promise<ChosenModel> {
  const { model, modelDir, allowRemoteModels } = settings;
  const path = isAbsolute(model) ? model : join(modelDir, model);
  try {
    const { digest, dtype } = await openModelFolder(path);
    return { modelName: basename(path), modelDigest: digest, model: path, remote: false, dtype };
  } catch (error) {
    if (!(error instanceof ModelFolderError)) throw error;
    if (allowRemoteModels && error.fault === 'missing' && !isAbsolute(model))
      return { modelName: model, modelDigest: `hub:${model}`, model, remote: true, dtype: 'q8' };
    throw new ConfigError([`MODEL: ${error.message}`]);
  }
}
