/** Turns a relay's log line about a message into a line for a person; undefined for other log lines. Pure. */
import { type Fields, fieldsIn } from '../local/log-line.ts'

const sayings: Readonly<Record<string, (fields: Fields) => string>> = {
  accepted: () => 'on disk, and ours',
  captured: () => 'captured instead of sent',
  'delivery attempted': (f) => `${placeOf(f)}: ${f['outcome']}, ${f['code']} ${f['status']} ${f['text']}`,
  deferred: (f) => `kept; the next attempt is at ${f['nextAttemptAt']}`,
  bounced: (f) => `given up: ${f['reply']}`,
  'DSN queued': (f) => `the reverse-path is told, by message ${f['dsnQueueId']}`,
  'left the queue': (f) => `out of the queue after ${f['seconds']} s`,
}

/** All exchangers are called `mx` in the log, so they are shown by their hosts. */
const placeOf = ({ smarthost, host }: Fields): string =>
  smarthost === 'mx' ? `exchanger ${host}` : `smarthost ${smarthost}`

export function hopLine(line: string): string | undefined {
  const fields = fieldsIn(line)
  return fields && sayings[String(fields['msg'])]?.(fields)
}
