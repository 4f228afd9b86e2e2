#!/usr/bin/env node
/**
 * The installed `relayfleet` starts here: says that Node is too old, before an import fails over a module that an old Node lacks.
 */
import { exitCodes } from './cli/exit-code.ts'

const needed = [24, 7] as const
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > needed[0] || (major === needed[0] && minor >= needed[1])) {
  // Imported by URL, so that esbuild does not bundle it: an import in this file would be resolved before this line runs.
  await import(new URL('operator.js', import.meta.url).href)
} else {
  process.stderr.write(
    `relayfleet: this is Node ${process.versions.node}, and relayfleet needs ${needed.join('.')} or later: ` +
      `put such a node first on PATH, or start it as: /path/to/node ${import.meta.filename ?? 'relayfleet.js'}\n`,
  )
  process.exitCode = exitCodes.failed
}
