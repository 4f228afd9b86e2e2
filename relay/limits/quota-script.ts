/**
 * How the relays of a fleet count together: a script that a Redis or Valkey runs atomically, what it is asked, and what it
 * answers. Each relay says how many recipients it has accepted itself. So a question that is asked twice counts once, and a store
 * that has lost everything knows it again as soon as each relay has spoken.
 */
import { createHash } from 'node:crypto'

export const script = `
local nonce, credential, relay = ARGV[1], ARGV[2], ARGV[3]
local said, own, certain = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6] == '1'
local daily, interval, burst = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local day, rate = KEYS[1], KEYS[2]

-- The clock of the store decides which day it is. A day that has begun is kept where that clock is set back.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local today = math.floor(now / 86400000000)
local held = tonumber(redis.call('HGET', day, 'day') or '-1')
if held < today then
  -- A full store refuses the first write of a script, but none behind an UNLINK: so this first write, which finds out.
  redis.call('HSET', day, 'epoch', nonce)
  -- Not DEL: UNLINK frees in the background, and the day of a big fleet would keep everybody waiting.
  redis.call('UNLINK', day)
  redis.call('HSET', day, 'day', today, 'epoch', nonce)
  redis.call('PEXPIRE', day, 172800000)
elseif held > today + 1 then
  redis.call('HSET', day, 'day', today)
else
  today = held
end

-- A relay's own count is right where this store has told it of its count on this day (certain); else the store may know of more.
local ours, all = 'relay ' .. relay .. ' ' .. credential, 'all ' .. credential
local known = tonumber(redis.call('HGET', day, ours) or '0')
local total = tonumber(redis.call('HGET', day, all) or '0')
local mine = known
if said == today and certain then mine = own elseif said >= today then mine = math.max(known, own) end
total = math.max(0, total + mine - known)

local owed = 0
local moved = false
local before = interval > 0 and redis.call('GET', rate)
if before then
  local till, was = string.match(before, '^(%S+) (%S+)$')
  owed = math.max(0, till - now)
  -- At another rate as many are owed as before, and earned at that rate from now on: so it has to be written.
  moved = tonumber(was) ~= interval or owed > burst * interval
  if tonumber(was) ~= interval then owed = owed / was * interval end
  owed = math.min(owed, burst * interval)
end

-- A negative count gives back. A wait of less than a tenth of a microsecond is an error of rounding.
local verdicts = {}
for i = 10, #ARGV do
  local count = tonumber(ARGV[i])
  local wait = interval > 0 and math.max(0, owed - (burst - count) * interval) or 0
  if daily >= 0 and total + count > daily then
    verdicts[#verdicts + 1] = 'daily ' .. string.format('%.0f', daily - total)
  elseif interval > 0 and count > burst then
    verdicts[#verdicts + 1] = 'rate never'
  elseif wait > 0.1 then
    verdicts[#verdicts + 1] = 'rate ' .. string.format('%.0f', math.ceil(wait / 1000))
  else
    verdicts[#verdicts + 1] = 'yes'
    total = math.max(0, total + count)
    mine = math.max(0, mine + count)
    owed = math.max(0, owed + count * interval)
    moved = true
  end
end

-- A question without a credential only asks whether the store can write.
if credential == '' then
  redis.call('HSET', day, 'day', today)
else
  redis.call('HSET', day, ours, string.format('%.0f', mine), all, string.format('%.0f', total))
end
if interval > 0 and moved then
  local till = string.format('%.17g', now + owed)
  redis.call('SET', rate, till .. ' ' .. string.format('%.17g', interval), 'PX', math.ceil(owed / 1000) + 1000)
end
local rest = (today + 1) * 86400000 - math.floor(now / 1000)
return {nonce, today, redis.call('HGET', day, 'epoch'), rest, string.format('%.0f', mine),
  string.format('%.0f', total), string.format('%.0f', owed), verdicts}
`

export const scriptHash = createHash('sha1').update(script).digest('hex')

/** What one relay says of one credential or throttle, and the messages that it asks for. */
export type Question = {
  /** namespace/name of the RelayPolicy, and of the RelayCredential; of a throttle, its name as throttles.ts makes it. */
  readonly policy: string
  readonly credential: string
  /** This relay's name: it stays the same for as long as the relay remembers its counts. */
  readonly relay: string
  /** The UTC day, as days since the epoch, on which it has accepted `own` recipients. */
  readonly day: number
  readonly own: number
  /**
   * Whether the store has told this process on that day how many it knew of: then `own` is right; else the store may know of
   * more.
   */
  readonly certain: boolean
  readonly daily: number | undefined
  readonly rate: { readonly intervalMs: number; readonly burst: number } | undefined
  /** The recipients of each message; negative where they are given back. */
  readonly messages: readonly number[]
}

export type Verdict =
  | { readonly kind: 'granted' }
  /** Refused by the day's limit, of which so many recipients are left. */
  | { readonly kind: 'daily'; readonly left: number }
  /** Refused by the rate: so long until the message may come again; infinite where it has more recipients than a burst. */
  | { readonly kind: 'rate'; readonly waitMs: number }

export type Answer = {
  readonly day: number
  /** A name that the store gives to each new count. Another one on the same day tells that it had lost the count. */
  readonly epoch: string
  readonly restOfDayMs: number
  /** This relay's recipients of the day. */
  readonly own: number
  /** All relays'. */
  readonly total: number
  /** Milliseconds until all that was taken of the rate is earned. */
  readonly owedMs: number
  /** One for each message, in their order. */
  readonly verdicts: readonly Verdict[]
}

/** A question that only finds out whether the store can write: one that is full, or a replica, answers reads and keeps nothing. */
export const proof: Omit<Question, 'policy'> = {
  credential: '',
  relay: '',
  day: 0,
  own: 0,
  certain: false,
  daily: undefined,
  rate: { intervalMs: 1, burst: 1 },
  messages: [0],
}

// The braces (a hash tag of Redis Cluster) keep all keys of a fleet in one place where keys are divided among several stores.
const dayKey = (policy: string): string => `relayfleet:{${policy}}:day`
const rateKey = (policy: string, credential: string): string => `relayfleet:{${policy}}:rate:${credential}`

/** Why a store is left that answers, but otherwise than it has to. */
export const noAnswer = 'what it answers is not of Redis or Valkey'

/** The command that asks whether the store is there, and has lost nothing. */
export const beatWords = (policy: string): readonly string[] => ['HMGET', dayKey(policy), 'day', 'epoch']

/** Undefined where `said` is no answer to that; both absent: nothing is counted yet. */
export function readBeat(said: unknown): { readonly day?: number; readonly epoch?: string } | undefined {
  if (!Array.isArray(said) || said.length !== 2) return undefined
  const [day, epoch] = said
  if (day === null && epoch === null) return {}
  const number = whole(day)
  return number === undefined || typeof epoch !== 'string' ? undefined : { day: number, epoch }
}

/** The number of keys, the keys and the arguments, as EVAL and EVALSHA take them behind the script. Times are in microseconds. */
export const questionWords = (q: Question, nonce: string): readonly string[] => [
  '2',
  dayKey(q.policy),
  rateKey(q.policy, q.credential),
  nonce,
  q.credential,
  q.relay,
  String(q.day),
  String(q.own),
  q.certain ? '1' : '0',
  String(q.daily ?? -1),
  String((q.rate?.intervalMs ?? 0) * 1000),
  String(q.rate?.burst ?? 0),
  ...q.messages.map(String),
]

/** The answer in what a store said; undefined where it is none to this question: what answers may be anything. */
export function readAnswer(said: unknown, nonce: string, messages: number): Answer | undefined {
  if (!Array.isArray(said) || said.length !== 8 || said[0] !== nonce) return undefined
  const figures = [whole(said[1], 7), whole(said[3]), whole(said[4], 15), whole(said[5], 15), whole(said[6])]
  const numbers = figures.filter((n) => n !== undefined)
  const [day = 0, restOfDayMs = 0, own = 0, total = 0, owedUs = 0] = numbers
  const [epoch, told] = [said[2], said[7]]
  if (numbers.length !== 5 || typeof epoch !== 'string' || !Array.isArray(told) || told.length !== messages)
    return undefined
  const verdicts = told.map(readVerdict).filter((v) => v !== undefined)
  if (verdicts.length !== messages) return undefined
  return { day, epoch, restOfDayMs, own, total, owedMs: owedUs / 1000, verdicts }
}

/**
 * A whole number of up to so many digits: the most is what the slowest rate owes after the largest burst, 3.6e15 µs. Days and counts
 * have no more than quota-file.ts reads: with a larger one, a start would pass over the line, and no date could be made of a day.
 */
const whole = (value: unknown, digits = 16): number | undefined => {
  const text = String(value)
  return /^\d+$/.test(text) && text.length <= digits ? Number(text) : undefined
}

function readVerdict(said: unknown): Verdict | undefined {
  const [, kind, figure] = /^(yes|daily|rate)(?: (never|-?\d{1,15}))?$/.exec(String(said)) ?? []
  if (kind === 'yes' && figure === undefined) return { kind: 'granted' }
  if (kind === undefined || figure === undefined) return undefined
  if (kind === 'rate') return { kind, waitMs: figure === 'never' ? Number.POSITIVE_INFINITY : Number(figure) }
  return kind === 'daily' && figure !== 'never' ? { kind, left: Math.max(0, Number(figure)) } : undefined
}
