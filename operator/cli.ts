#!/usr/bin/env node
/** The command line's composition root: the only reader of argv and environment, and the only one that sets the exit code. */
import { execute } from './cli/program.ts'
import { terminalOn } from './cli/terminal.ts'

const { NO_COLOR } = process.env
const colours = process.stdout.isTTY === true && !NO_COLOR

const ending = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort())
// Whoever read our lines has left, e.g. `| head`.
process.stdout.on('error', () => ending.abort())

process.exitCode = await execute(process.argv.slice(2), {
  terminal: terminalOn(process.stdout, process.stderr, colours),
  signal: ending.signal,
})
