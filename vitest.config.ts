/** One runner for every suite, in three projects by what they need; the file pool stays at the machine's two cores. */
import { defineConfig } from 'vitest/config'

const onCluster = 'test/cluster/**/*.test.ts'
const onNode = 'test/cluster/node/**/*.test.ts'

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    projects: [
      // This machine and no more.
      { extends: true, test: { name: 'local', include: ['test/**/*.test.ts'], exclude: [onCluster] } },
      // A Kubernetes API server, started once for the run.
      {
        extends: true,
        test: {
          name: 'api',
          include: [onCluster],
          exclude: [onNode],
          globalSetup: 'test/cluster/start-api.ts',
        },
      },
      // A cluster that runs pods: one installation of the chart at a time.
      {
        extends: true,
        test: {
          name: 'node',
          include: [onNode],
          globalSetup: 'test/cluster/node/start-node.ts',
          testTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
