import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

/** Tests of a package see the sources of its siblings; processes they start run what was built. */
const conditions = ['source', ...defaultServerConditions];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['{packages,services}/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    // Two cores: more files at once only make the time limits of each tighter.
    maxWorkers: 2,
    reporters: ['default'],
  },
});
