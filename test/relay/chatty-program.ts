/**
 * A process that writes as many log lines as a message asks for, and then answers with the number of lines that were lost; when it
 * is told to end, it says so and then does.
 */
import { lineOutput } from '../../relay/line-output.ts'

let next = 0
let lost = 0
const output = lineOutput(1, () => ({
  lineLost: () => {
    lost += 1
  },
  linesMissing: (lines) => output.write(`missing ${lines}\n`),
}))

process.on('message', (lines: number) => {
  for (let i = 0; i < lines; i++) output.write(`${next++} ${'é'.repeat(95)}\n`)
  process.send?.({ lost })
})
process.once('SIGTERM', () => {
  process.send?.('ending')
  output.close()
  process.exit(0)
})
