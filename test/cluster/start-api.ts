/** Starts the cluster before the suites that need an API server. */
import type { TestProject } from 'vitest/node'
import { startFor } from './start.ts'

export default (project: TestProject) => startFor(project, 'api')
