/**
 * What a relay answers at /status, as far as statuses depend on it. What answers there may be something else, so each field
 * is checked. Pure.
 */
import * as fields from '../../../crds/fields.ts'
import type { RelayStatus, SmarthostStatus } from '../../../relay/http.ts'
import { amount, bad, flag, items, moment, record, text, texts } from './said.ts'

type Certificate = {
  readonly listener: string
  /** Milliseconds since the epoch; absent where the relay is of a version that does not tell it. */
  readonly beginsAt?: number
  readonly endsAt: number
}

export type RelayReport = Pick<
  RelayStatus,
  'policy' | 'hash' | 'configError' | 'stale' | 'spoolId' | 'drain' | 'ready' | 'notReady' | 'queue' | 'limitStore'
> & {
  /** Empty where the relay is of a version that does not tell. */
  readonly certificates: readonly Certificate[]
  /** How many attempts to deliver are under way with a signing key that its configuration no longer names. */
  readonly leaving: number
  /** Empty where the relay is of a version that does not tell. */
  readonly smarthosts: readonly Smarthost[]
}

/** What is wrong with the relay itself, and with its newest configuration; empty where nothing is. */
export const wrongIn = ({ notReady, configError }: Pick<RelayReport, 'notReady' | 'configError'>): string =>
  [...notReady, ...(configError === undefined ? [] : [configError])].join('; ')

/** Without times, which change with each probe while a smarthost does not work. */
export type Smarthost = Pick<SmarthostStatus, 'route' | 'name' | 'health'> & {
  readonly lastReply?: Omit<NonNullable<SmarthostStatus['lastReply']>, 'at'>
}

/** As many as a policy may have. */
const mostSmarthosts = 64 * 16
const mostLeaving = 20_000

/**
 * The report in `body`. Fields that are not known here are passed over, since a relay may be newer than the operator.
 * @throws Error naming the field that is not as it should be.
 */
export function relayReport(body: string): RelayReport {
  const said = record(JSON.parse(body), 'status')
  const queue = record(said['queue'], 'queue')
  const configError = said['configError']
  return {
    policy: text(said['policy'], 'policy'),
    hash: hash(said['hash']),
    ...(configError !== undefined && { configError: text(configError, 'configError') }),
    stale: texts(said['stale'], 'stale'),
    ...(said['spoolId'] !== undefined && { spoolId: uuid(said['spoolId'], 'spoolId') }),
    ...(said['drain'] !== undefined && { drain: drain(said['drain']) }),
    ready: flag(said['ready'], 'ready'),
    notReady: texts(said['notReady'], 'notReady'),
    certificates:
      said['certificates'] === undefined ? [] : items(said['certificates'], 'certificates').map(certificate),
    smarthosts:
      said['smarthosts'] === undefined ? [] : items(said['smarthosts'], 'smarthosts', mostSmarthosts).map(smarthost),
    leaving: leaving(said['signing']),
    ...(said['limitStore'] !== undefined && { limitStore: limitStore(said['limitStore']) }),
    queue: {
      ready: amount(queue['ready'], 'queue.ready'),
      deferred: amount(queue['deferred'], 'queue.deferred'),
      inFlight: amount(queue['inFlight'], 'queue.inFlight'),
      oldestSeconds: amount(queue['oldestSeconds'], 'queue.oldestSeconds'),
    },
  }
}

const leaving = (signing: unknown): number =>
  signing === undefined
    ? 0
    : items(record(signing, 'signing')['leaving'], 'signing.leaving', mostLeaving)
        .map((key) => amount(record(key, 'signing.leaving')['attempts'], 'signing.leaving.attempts'))
        .reduce((sum, attempts) => sum + attempts, 0)

/** Without `since`, so that a report which says the same is the same. */
function limitStore(value: unknown): NonNullable<RelayReport['limitStore']> {
  const { state, why } = record(value, 'limitStore')
  if (state === 'Away') return { state, why: text(why, 'limitStore.why') }
  return state === 'Connecting' || state === 'Connected' ? { state } : bad('limitStore.state', 'a state')
}

const hash = (value: unknown): string =>
  typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value) ? value : bad('hash', 'a SHA-256')

const drain = (value: unknown): NonNullable<RelayReport['drain']> =>
  value === 'Draining' || value === 'Drained' ? value : bad('drain', 'Draining or Drained')

const uuid = (value: unknown, field: string): string =>
  typeof value === 'string' && /^[0-9a-f-]{36}$/.test(value) ? value : bad(field, 'a UUID')

function certificate(value: unknown): Certificate {
  const said = record(value, 'certificates')
  return {
    listener: text(said['listener'], 'certificates.listener'),
    ...(said['notBefore'] !== undefined && { beginsAt: moment(said['notBefore'], 'certificates.notBefore') }),
    endsAt: moment(said['notAfter'], 'certificates.notAfter'),
  }
}

const healths = ['unproven', 'healthy', 'paused', 'ejected'] as const

function smarthost(value: unknown): Smarthost {
  const { lastReply, ...said } = record(value, 'smarthosts')
  const health = healths.find((h) => h === said['health'])
  if (health === undefined) return bad('smarthosts.health', healths.join(', '))
  return {
    route: entryName(said['route'], 'smarthosts.route'),
    name: entryName(said['name'], 'smarthosts.name'),
    health,
    ...(lastReply !== undefined && { lastReply: reply(lastReply) }),
  }
}

function reply(value: unknown): NonNullable<Smarthost['lastReply']> {
  const { code, status, text: words } = record(value, 'smarthosts.lastReply')
  const isCode = Number.isInteger(code) && Number(code) >= 200 && Number(code) <= 599
  return {
    code: isCode ? Number(code) : bad('smarthosts.lastReply.code', 'a reply code'),
    status: text(status, 'smarthosts.lastReply.status').slice(0, 16),
    text: text(words, 'smarthosts.lastReply.text'),
  }
}

const entryNames = new RegExp(fields.entryName.pattern)
const entryName = (value: unknown, field: string): string =>
  typeof value === 'string' && value.length <= fields.entryName.maxLength && entryNames.test(value)
    ? value
    : bad(field, 'the name of an entry')
