/** Starts the cluster before the suites that need pods to run. */
import type { TestProject } from 'vitest/node'
import { startFor } from '../start.ts'

export default (project: TestProject) => startFor(project, 'node')
