#!/usr/bin/env node
/** What `relayfleet` starts with where it is installed: a Node that is too old is told so before it fails over a module that it lacks. */
import { exitCodes } from './cli/exit-code.ts'

const needed = [24, 7] as const
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > needed[0] || (major === needed[0] && minor >= needed[1])) {
  // By a URL: bundled into this file, what the command line imports would be asked for before this line.
  await import(new URL('operator.js', import.meta.url).href)
} else {
  process.stderr.write(
    `relayfleet: this is Node ${process.versions.node}, and relayfleet needs ${needed.join('.')} or later: ` +
      `put such a node first on PATH, or start it as: /path/to/node ${import.meta.filename ?? 'relayfleet.js'}\n`,
  )
  process.exitCode = exitCodes.failed
}
