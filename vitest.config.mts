import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const dist = fileURLToPath(new URL('./dist/', import.meta.url))

// The tests run against what `npm run build:native` and `npm run build:ts` made, as a user would import it.
export default defineConfig({
  resolve: {
    alias: [
      { find: /^mosskv$/, replacement: `${dist}index.mjs` },
      { find: /^mosskv\/(keyv|level|unstorage)$/, replacement: `${dist}$1.mjs` },
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
