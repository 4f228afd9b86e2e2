/** Prints on a terminal what local mode reports. */
import type { Tell, Telling } from '../local/telling.ts'
import { printPosition } from './place.ts'
import type { Style, Terminal } from './terminal.ts'

/** A busy relay logs more than a person can read: lines above this rate are counted instead of shown. */
const linesPerSecond = 20

export function tellOn(terminal: Terminal, now: () => number = () => performance.now()): Tell {
  const busy = busyness(now)
  return (telling) => {
    if (telling.about === 'relay' && telling.line.level === 'info') {
      const { shown, withheld } = busy()
      if (withheld > 0) terminal.out(terminal.style('dim', `… and ${withheld} more, in relay.log`))
      if (!shown) return
    }
    terminal.out(tellingLine(telling, terminal))
  }
}

/** Decides whether another line may be shown now, and counts the lines that were withheld since the last one shown. */
function busyness(now: () => number) {
  let second = 0
  let shown = 0
  let withheld = 0
  return () => {
    const current = Math.floor(now() / 1000)
    if (current !== second) [second, shown] = [current, 0]
    if (shown >= linesPerSecond) {
      withheld += 1
      return { shown: false, withheld: 0 }
    }
    shown += 1
    const before = withheld
    withheld = 0
    return { shown: true, withheld: before }
  }
}

const readiness = {
  True: ['good', 'ready'],
  False: ['bad', 'not ready'],
  Unknown: ['warn', 'waiting'],
} as const satisfies Record<string, readonly [Style, string]>
const levels = { info: 'dim', warn: 'warn', error: 'bad' } as const

function tellingLine(telling: Telling, terminal: Terminal): string {
  switch (telling.about) {
    case 'object': {
      const [style, word] = readiness[telling.ready]
      return `${telling.ref.padEnd(32)} ${terminal.style(style, word.padEnd(9))} ${telling.text}`
    }
    case 'gone':
      return `${telling.ref.padEnd(32)} deleted`
    case 'relay':
      return `${terminal.style('dim', `relay ${telling.policy}`.padEnd(32))} ${terminal.style(levels[telling.line.level], telling.line.text)}`
    case 'text': {
      const { object, field, message } = telling.problem
      const what = [object, field].filter((t) => t !== undefined).join(' ')
      return `${printPosition(telling.problem)}  ${terminal.style('bad', 'error')}  ${what === '' ? '' : `${what}: `}${message}`
    }
    case 'trouble':
      return `${terminal.style('bad', 'trouble')}  ${telling.text}; it is tried again`
  }
}
