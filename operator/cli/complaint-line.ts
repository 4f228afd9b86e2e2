/**
 * Prints a complaint as one line: severity, object, what is wrong and how to mend it, and the reason to look up in docs/sre.md.
 */
import type { Complaint } from './complaint.ts'
import type { Terminal } from './terminal.ts'

export function complaintLine(
  { severity, object, condition, field, reason, message }: Complaint,
  terminal: Terminal,
): string {
  const what = [object, field ?? condition].filter((t) => t !== undefined).join(' ')
  return `${terminal.style(severity === 'error' ? 'bad' : 'warn', severity)}: ${what}: ${message} (${reason})`
}
