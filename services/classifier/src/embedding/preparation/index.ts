export { type ModelFolder, openModelFolder } from './model-folder.js';
export { ModelFolderError, type ModelFolderFault } from './model-folder-error.js';
export type { Dtype } from './model-layout.js';
export { type PreparedModel, type PrepareModelOptions, prepareModel } from './prepare-model.js';
