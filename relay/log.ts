/** Lines of the log: each is one object of JSON, with its level and when it was. */

const levels = { debug: 20, info: 30, warn: 40, error: 50 } as const
type Level = keyof typeof levels

/** `message` is a text of ours, which is the same in JSON. */
export type Log = Readonly<Record<Level, (fields: object, message: string) => void>>

/** What is less than `least` is left out. */
export function createLog(output: { write(line: string): void }, least: Level = 'info'): Log {
  const now = clock()
  const writer = (level: Level): Log[Level] => {
    if (levels[level] < levels[least]) return () => undefined
    const head = `{"level":${levels[level]},"time":"`
    return (fields, message) => {
      const json = JSON.stringify(fields)
      const inner = json === '{}' ? '' : `${json.slice(1, -1)},`
      output.write(`${head}${now()}",${inner}"msg":"${message}"}\n`)
    }
  }
  return { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') }
}

/** The time as in `toISOString`, which is written out once a second: a busy relay has several lines in each millisecond. */
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
