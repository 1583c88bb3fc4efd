import { ensureInstalled } from './prepare.mjs';

/** A step of its own for images, so that it is repeated only when the lockfile changes. */
await ensureInstalled();
