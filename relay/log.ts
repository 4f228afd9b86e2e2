/** Lines of the log: each is one JSON object with `level` (a number, as pino has them), `time`, its fields and `msg`. */

const levels = { info: 30, warn: 40, error: 50 } as const
type Level = keyof typeof levels

/** `message` is a constant of ours without any character that JSON has to escape: it is written as it is. */
export type Log = Readonly<Record<Level, (fields: object, message: string) => void>>

export function createLog(output: { write(line: string): void }): Log {
  const now = clock()
  const writer = (level: Level): Log[Level] => {
    const head = `{"level":${levels[level]},"time":"`
    return (fields, message) => {
      const json = JSON.stringify(fields)
      const inner = json === '{}' ? '' : `${json.slice(1, -1)},`
      output.write(`${head}${now()}",${inner}"msg":"${message}"}\n`)
    }
  }
  return { info: writer('info'), warn: writer('warn'), error: writer('error') }
}

/** The time as `toISOString` has it; made anew only once a millisecond, since a busy relay has several lines in each. */
function clock(): () => string {
  let shownAt = Number.NaN
  let shown = ''
  let second = Number.NaN
  let untilSecond = ''
  return () => {
    const at = Date.now()
    if (at === shownAt) return shown
    shownAt = at
    if (Math.floor(at / 1000) !== second) {
      second = Math.floor(at / 1000)
      untilSecond = new Date(at).toISOString().slice(0, -'000Z'.length)
    }
    shown = `${untilSecond}${String(at - second * 1000).padStart(3, '0')}Z`
    return shown
  }
}
