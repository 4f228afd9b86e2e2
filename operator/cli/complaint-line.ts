/** A complaint as a line for a person: how bad, about what, what is wrong and the mend, and the reason to look up. */
import type { Complaint } from './complaint.ts'
import type { Terminal } from './terminal.ts'

export function complaintLine(
  { severity, object, condition, field, reason, message }: Complaint,
  terminal: Terminal,
): string {
  const what = [object, field ?? condition].filter((t) => t !== undefined).join(' ')
  return `${terminal.style(severity === 'error' ? 'bad' : 'warn', severity)}: ${what}: ${message} (${reason})`
}
