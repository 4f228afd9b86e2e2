/** The test runner: three projects by what their tests need, with two workers, as many as the machine has cores. */
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const onCluster = 'test/cluster/**/*.test.ts'
const onNode = 'test/cluster/node/**/*.test.ts'
const local = (name: string): string => join(import.meta.dirname, `test/local/${name}.test.ts`)

/**
 * Large files come first, which says little of how long they take: three minutes of soak, and one of overload, would be left to
 * one worker at the end. The soak begins before all others, and the overload before the others of its project.
 */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number => {
      if (moduleId === local('soak')) return 0
      if (project.name !== 'local') return 1
      return moduleId === local('overload') ? 2 : 3
    }
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    setupFiles: 'test/own-test.ts',
    projects: [
      // These need nothing but this machine.
      {
        extends: true,
        test: {
          name: 'local',
          include: ['test/**/*.test.ts'],
          exclude: [onCluster],
          globalSetup: 'test/build-shipped.ts',
        },
      },
      // These need a Kubernetes API server, which is started once for all of them.
      {
        extends: true,
        test: {
          name: 'api',
          include: [onCluster],
          exclude: [onNode],
          globalSetup: ['test/build-shipped.ts', 'test/cluster/start-api.ts'],
        },
      },
      // These need a cluster that runs pods. One file at a time, since the chart is installed in it once.
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
