/** What may be on a device after a loss of power: everything up to its last flush, and of what was written since, any part. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

/** `end` is where it ends in the log. */
type Write = { readonly end: number; readonly offset: number; readonly octets: Buffer }
type Flush = { readonly end: number }
type Entry = Write | Flush

/** The power went when the log had so many octets. */
export type PowerLoss = {
  readonly at: number
  readonly image: Buffer
  /** Of how many writes since the last flush. */
  readonly unflushed: number
  readonly luck: string
}

/** In what the medium writes at once, none of it torn. */
const sectorBytes = 4096

/** Which of the unflushed writes are on the medium. */
const lucks: Readonly<Record<string, (writes: readonly Write[], dice: () => number) => readonly Write[]>> = {
  none: () => [],
  all: (writes) => writes,
  'the first of them': (writes, dice) => writes.slice(0, Math.floor(dice() * (writes.length + 1))),
  'some of them': (writes, dice) => writes.filter(() => dice() < 0.5),
  'some of their sectors': (writes, dice) => writes.flatMap(sectors).filter(() => dice() < 0.5),
}

function sectors({ end, offset, octets }: Write): readonly Write[] {
  const count = Math.ceil(octets.length / sectorBytes)
  return Array.from({ length: count }, (_, n) => {
    const from = n * sectorBytes
    return { end, offset: offset + from, octets: octets.subarray(from, from + sectorBytes) }
  })
}

/** `times` losses of power at random moments between two places of the log, in their order. */
export function* powerLosses(
  { image, log }: { readonly image: string; readonly log: string },
  span: { readonly from: number; readonly to: number },
  times: number,
  dice: () => number,
): Iterable<PowerLoss> {
  const moments = Array.from({ length: times }, () => span.from + dice() * (span.to - span.from)).sort((a, b) => a - b)
  const medium = readFileSync(image)
  const put = (to: Buffer, writes: readonly Write[]): Buffer => {
    for (const { offset, octets } of writes) octets.copy(to, offset)
    return to
  }
  let unflushed: Write[] = []
  let at = 0
  for (const entry of entriesOf(log)) {
    for (; moments[0] !== undefined && moments[0] < entry.end; moments.shift()) {
      const names = Object.keys(lucks)
      const luck = names[Math.floor(dice() * names.length)] ?? 'all'
      const kept = lucks[luck]?.(unflushed, dice) ?? unflushed
      yield { at, image: put(Buffer.from(medium), kept), unflushed: unflushed.length, luck }
    }
    at = entry.end
    if ('octets' in entry) {
      unflushed.push(entry)
      continue
    }
    put(medium, unflushed)
    unflushed = []
  }
}

const headBytes = 13

/** As device.py writes them. */
function* entriesOf(log: string): Iterable<Entry> {
  const file = openSync(log, 'r')
  const head = Buffer.alloc(headBytes)
  try {
    for (let at = 0; readSync(file, head, 0, headBytes, at) > 0; ) {
      if (head.toString('latin1', 0, 1) === 'F') {
        at += 1
        yield { end: at }
        continue
      }
      const [offset, length] = [Number(head.readBigUInt64LE(1)), head.readUInt32LE(9)]
      const octets = Buffer.allocUnsafe(length)
      readSync(file, octets, 0, length, at + headBytes)
      at += headBytes + length
      yield { end: at, offset, octets }
    }
  } finally {
    closeSync(file)
  }
}
