/** The faults of networks and API servers that an operator meets, each with a name. */
import { type Fault, type LineFault, type Seen, status } from '../fault-proxy.ts'
import { isWrite } from '../whole/operator-process.ts'

export type NamedFault = {
  readonly name: string
  /** Whether the operator gets everything done while the fault goes on; otherwise it does so some seconds after its end. */
  readonly goesOn: boolean
  /** Makes the rule anew for each run, since it may count. */
  readonly begin: () => (request: Seen) => Fault
}

const isWatch = ({ query }: Seen): boolean => query.has('watch')
const isList = ({ method, path, query }: Seen): boolean =>
  method === 'GET' && !query.has('watch') && !path.includes('/leases')
/** Whether it is a look at an object: a patch that is only tried. */
export const isLook = ({ method, query }: Seen): boolean => method === 'PATCH' && query.has('dryRun')

const when = (which: (request: Seen) => boolean, fault: Fault) => (): ((request: Seen) => Fault) => (request) =>
  which(request) ? fault : 'pass'

/** `n` counts the lines of one watch, and `nth` those of all watches, both from 0. */
const lines = (faultOf: (line: string, nth: number, n: number) => LineFault) => (): ((request: Seen) => Fault) => {
  let nth = 0
  return when(isWatch, { lines: (line, n) => faultOf(line, nth++, n) })()
}

const gone = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 410, reason: 'Expired', message: 'too old' }
const expired = JSON.stringify({ type: 'ERROR', object: gone })
const retryAfter = { 'retry-after': '1' }

const watches: readonly NamedFault[] = [
  { name: 'every other event is dropped', goesOn: true, begin: lines((_, nth) => (nth % 2 === 0 ? 'drop' : 'pass')) },
  { name: 'events come late', goesOn: true, begin: lines(() => ({ laterMs: 700 })) },
  { name: 'events come twice', goesOn: true, begin: lines((line) => ({ say: `${line}\n${line}` })) },
  { name: 'events overtake each other', goesOn: true, begin: lines((_, nth) => ({ laterMs: 400 - (nth % 3) * 200 })) },
  { name: 'watches break after each event', goesOn: true, begin: lines((_, __, n) => (n === 0 ? 'pass' : 'cut')) },
  { name: 'watches break within each event', goesOn: true, begin: lines(() => 'half') },
  { name: 'watches say nothing', goesOn: true, begin: lines(() => 'silence') },
  { name: 'watches are answered 410', goesOn: true, begin: when(isWatch, status(410, 'Expired')) },
  { name: 'watches say that they are too old', goesOn: true, begin: lines(() => ({ say: expired })) },
  { name: 'watches are answered 500', goesOn: true, begin: when(isWatch, status(500, 'InternalError')) },
  { name: 'watches hang', goesOn: true, begin: when(isWatch, 'hang') },
]

const all = (): boolean => true
const reads = (request: Seen): boolean => isWatch(request) || isList(request)

const others: readonly NamedFault[] = [
  { name: 'lists and watches are answered 500', goesOn: false, begin: when(reads, status(500, 'InternalError')) },
  { name: 'writes are answered 409', goesOn: false, begin: when(isWrite, status(409, 'Conflict')) },
  {
    name: 'writes are answered 429',
    goesOn: false,
    begin: when(isWrite, status(429, 'TooManyRequests', retryAfter)),
  },
  { name: 'writes are answered 500', goesOn: false, begin: when(isWrite, status(500, 'InternalError')) },
  { name: 'writes are done and not answered', goesOn: false, begin: when(isWrite, 'lost') },
  { name: 'writes hang', goesOn: false, begin: when(isWrite, 'hang') },
  { name: 'writes come late', goesOn: true, begin: when(isWrite, { delayMs: 500 }) },
  { name: 'looks are answered 429', goesOn: false, begin: when(isLook, status(429, 'TooManyRequests', retryAfter)) },
  { name: 'looks are answered 500', goesOn: false, begin: when(isLook, status(500, 'InternalError')) },
  { name: 'looks hang', goesOn: false, begin: when(isLook, 'hang') },
  { name: 'everything breaks', goesOn: false, begin: when(all, 'reset') },
  { name: 'everything hangs', goesOn: false, begin: when(all, 'hang') },
  { name: 'every third answer is lost', goesOn: true, begin: everyThirdLost },
]

function everyThirdLost(): (request: Seen) => Fault {
  let n = 0
  return (request) => (isWrite(request) && n++ % 3 === 0 ? 'lost' : 'pass')
}

export const namedFaults: readonly NamedFault[] = [...watches, ...others]
