/** Starts the cluster before the suites that need pods to run, and loads the image into it, once for all of them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import type { Packed } from '../../../image/pack.ts'
import { startFor } from '../start.ts'
import { bundle, load } from './node-image.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** `dist` is the folder of what is in it. */
    image: { readonly packed: Packed; readonly dist: string }
  }
}

export default async (project: TestProject): Promise<(() => Promise<void>) | undefined> => {
  const stop = await startFor(project, 'node')
  const { cluster } = project.getProvidedContext()
  if (stop === undefined || cluster === undefined) return undefined
  const dist = mkdtempSync(join(tmpdir(), 'relayfleet-image-'))
  const end = async (): Promise<void> => {
    rmSync(dist, { recursive: true, force: true })
    await stop()
  }
  try {
    await bundle(dist)
    project.provide('image', { packed: load(cluster, dist, 'test'), dist })
  } catch (error) {
    await end()
    throw error
  }
  return end
}
