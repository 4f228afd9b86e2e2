/** The test runner: three projects by what their tests need, with one worker more than the machine has cores, since many tests wait. */
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const onCluster = 'test/cluster/**/*.test.ts'
const onNode = 'test/cluster/node/**/*.test.ts'
const file = (name: string): string => join(import.meta.dirname, `test/${name}.test.ts`)

/**
 * What takes longest begins first, in this order. Those that put as much load on the machine as it bears are apart from each other
 * in it.
 */
const longest = [
  'local/soak',
  'cluster/killed/killed',
  'cluster/leader-killed',
  'relay/spool/device-power-loss',
  'cluster/faults/faults',
  'cluster/fleets-crash',
  'local/overload',
  'cluster/faults/apart',
  'cluster/election',
  'cluster/deleted',
  'cluster/faults/away',
  'cluster/faults/thousand',
  'local/flood',
].map(file)

/**
 * Behind the longest, files of both projects are mixed: those on an API server mostly wait, and most others need a processor. Among
 * those of one project large files come first, which says a little of how long they take.
 */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rest = (await super.sort(files)).filter(({ moduleId }) => !longest.includes(moduleId))
    return [
      ...longest.flatMap((id) => files.filter(({ moduleId }) => moduleId === id)),
      ...mixed(Object.values(Object.groupBy(rest, ({ project }) => project.name)).map((group = []) => group)),
    ]
  }
}

/** All lists as one, in which each is spread from the beginning to the end, and keeps its order. */
const mixed = <T>(lists: readonly (readonly T[])[]): T[] =>
  lists
    .flatMap((list) => list.map((one, i) => ({ one, at: (i + 0.5) / list.length })))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one)

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 3,
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
