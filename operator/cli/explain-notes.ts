/** What else has to be known of an answer of `explain`: what relays have not got, and where another listener or client gets another. */
import type { RelayConfig } from '../../relay/config.ts'
import { replyLine } from '../../relay/mail/reply.ts'
import { judgeSize } from '../../relay/rules/size.ts'
import type { Compiled, CompiledFleet, Condition } from '../compile/compiled.ts'
import { identityOutside } from '../compile/findings.ts'
import type { Name } from '../compile/snapshot.ts'
import type { Explanation, Question } from '../explain.ts'
import type { Directory } from '../local/directory.ts'
import { writtenIn } from './complaint.ts'
import { leftUnread } from './unread.ts'

type Answer = {
  readonly name: Name
  readonly compiled: Pick<Compiled, 'findings'>
  /** The credential's present status; undefined where it has none. */
  readonly status: Readonly<Record<string, unknown>> | undefined
  readonly directory?: Directory | undefined
  readonly fleet: CompiledFleet
  readonly config: RelayConfig
  readonly question: Question
  readonly explanation: Explanation
}

export function* notesOn(answer: Answer): Generator<string> {
  const { name, directory, config, question, explanation } = answer
  const unserved = unservedBy(answer)
  if (unserved !== undefined) yield unserved
  const told = [...declaredTroubles(answer), ...(unserved === undefined ? reportedTroubles(answer) : [])]
  for (const message of new Set(told.map((condition) => condition.message))) yield `RelayCredential ${name}: ${message}`
  const unread = directory && leftUnread(directory)
  if (unread !== undefined) yield unread
  yield* listenerNotes(config, explanation)
  yield* sizeNotes(config, question)
}

function unservedBy({ fleet, config: { policy } }: Answer): string | undefined {
  if (fleet.leaving) return `RelayPolicy ${policy} is being deleted: its relays take no new mail`
  const isStopped = fleet.kind === 'run' && fleet.replicas === 0
  return isStopped ? `spec.replicas of RelayPolicy ${policy} is 0, so no relay runs that could answer` : undefined
}

/** Reasons that are no trouble, and tell who has to show a certificate as well, or why a sender is refused. */
const alsoTold: ReadonlySet<string> = new Set(['CertificateRequiredToo', identityOutside])

/** What is wrong with the credential as it is declared. That its fleet is held is told where nothing else says why. */
function declaredTroubles({ name, compiled }: Answer): readonly Condition[] {
  const found = compiled.findings.get(`RelayCredential ${name}`) ?? []
  const causes = found.filter((f) => f.type !== 'Programmed' && (f.status !== 'True' || alsoTold.has(f.reason)))
  return causes.length > 0 ? causes : found.filter(({ reason }) => reason === held)
}
const held = 'Held'

/** What relays last reported: they may not have yet what is declared. */
function reportedTroubles({ status }: Answer): readonly Condition[] {
  const { conditions = [] } = writtenIn({ status: status ?? {} })
  return conditions.filter((c) => c.type === 'Programmed' && c.status !== 'True' && c.reason !== held)
}

/** The answer is that of a listener with StartTLS, and of the strict one where listeners take line ends in different ways. */
function* listenerNotes({ listeners }: RelayConfig, { refusal, steps }: Explanation): Generator<string> {
  const mending = listeners.filter(({ bareNewlines }) => bareNewlines === 'Normalise').map((l) => l.name)
  if (refusal?.rule === 'listeners.bareNewlines' && mending.length > 0) {
    yield `the message gets past this rule at ${named(mending)}, with bareNewlines: Normalise`
  }
  const silent = listeners.filter(({ tls }) => tls.mode === 'Implicit').map((l) => l.name)
  if (steps.at(-1)?.stage === 'connect' && silent.length > 0) {
    yield `the connection is closed without a reply at ${named(silent)}, with tls.mode: Implicit`
  }
}

const named = (names: readonly string[]): string =>
  `${names.length === 1 ? 'listener' : 'listeners'} ${names.join(', ')}`

/** Whether a size is announced is the client's choice: many mail servers do it, and many libraries do not. */
function* sizeNotes(config: RelayConfig, { message }: Question): Generator<string> {
  const refused = judgeSize(config, message.length, 0)
  if (refused === undefined) return
  yield `a client that announces the size of this message gets at MAIL: ${replyLine(refused.reply)}`
}
