/** What is wrong with a model folder, and so who can put it right. */
const FIXES = {
  missing: 'Run `npm run setup` to prepare the model',
  damaged: 'Run `npm run setup` to prepare the model again, or delete the folder first',
  foreign: 'Put a whole transformers.js model there, or delete it and run `npm run setup`',
  unwritable: 'Make it a writable folder with room for the model, or choose another with MODEL_DIR',
} as const;

export type ModelFolderFault = keyof typeof FIXES;

/** One line: the path, what is wrong there, and what to do about it. */
export class ModelFolderError extends Error {
  override readonly name = 'ModelFolderError';

  constructor(
    readonly path: string,
    readonly fault: ModelFolderFault,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`Model folder ${path}: ${problem}. ${FIXES[fault]}.`, options);
  }
}

/** The code of a file system error (`ENOENT`), or the message of any other. */
export function faultCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return error instanceof Error ? error.message : String(error);
}
