/** Prints a line of an SMTP dialog, with who said it. */
import type { Line } from '../local/submit.ts'
import type { Terminal } from './terminal.ts'

export function dialogLine({ by, text }: Line, terminal: Terminal): string {
  switch (by) {
    case 'client':
      return `${terminal.style('dim', 'client')}  ${text}`
    case 'relay':
      return `${terminal.style('dim', 'relay ')}  ${terminal.style(/^[45]/.test(text) ? 'bad' : 'good', text)}`
    case 'note':
      return `${terminal.style('dim', '        ')}${terminal.style('dim', `(${text})`)}`
  }
}
