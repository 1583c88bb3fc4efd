export * from './classify.js';
export * from './embeddings.js';
export * from './errors.js';
export * from './exemplars.js';
export * from './jobs.js';
export * from './quality.js';
export * from './settings.js';
export * from './text.js';
