import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// The tests run against what `npm run build:native` and `npm run build:ts` made, as a user would import it.
export default defineConfig({
  resolve: {
    alias: [
      { find: /^mosskv$/, replacement: fileURLToPath(new URL('./dist/index.mjs', import.meta.url)) },
      { find: /^mosskv\/level$/, replacement: fileURLToPath(new URL('./dist/level.mjs', import.meta.url)) },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
    server: { deps: { external: [/\/dist\//, /\/native\//] } },
  },
})
