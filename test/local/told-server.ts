/** Starts a server that stays in the foreground, and says on its standard error when it is up. */
import { spawn } from 'node:child_process'
import { end } from './receiver.ts'
import { until } from './until.ts'

/** @throws Error with the server's output, when it ends before it has said `up` */
export async function startTold(name: string, [program = '', ...args]: readonly string[], up: string) {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  await until(`${name} runs`, () => {
    if (child.exitCode !== null) throw new Error(log)
    return log.includes(up)
  })
  return { child, log: () => log, stop: () => end(child) }
}
