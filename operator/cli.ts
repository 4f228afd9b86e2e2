#!/usr/bin/env node
/** The command line's composition root: the only reader of argv and environment, and the only one that sets the exit code. */
import { exitCodes } from './cli/exit-code.ts'
import { execute } from './cli/program.ts'
import { terminalOn } from './cli/terminal.ts'

const { NO_COLOR } = process.env
const colours = process.stdout.isTTY === true && !NO_COLOR

const ending = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort())
let unwritten = false
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // EPIPE: the reader of our lines has gone, e.g. `| head`, so we end. Any other error, such as a full disk, loses lines, but
  // must not stop the relays of local mode.
  if (error.code === 'EPIPE') ending.abort()
  else if (!unwritten) {
    unwritten = true
    process.stderr.write(`relayfleet: what there is to say could not be written: ${error.message}\n`)
    process.exitCode = exitCodes.failed
  }
})
// An error of stderr can be reported nowhere; without a listener it would end the process. The exit code still tells.
process.stderr.on('error', () => {})

const code = await execute(process.argv.slice(2), {
  terminal: terminalOn(process.stdout, process.stderr, colours, process.stderr.isTTY === true),
  signal: ending.signal,
  environment: Object.keys(process.env),
})
process.exitCode ??= code
