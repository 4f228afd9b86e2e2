/** The loop as a story: facts in, one pure function, decisions out; every mode is a choice of ends. */
import { compile } from './compile/compile.ts'
import type { Compiled } from './compile/compiled.ts'
import type { Snapshot } from './compile/snapshot.ts'

export type Source = {
  /** A snapshot now, and one after each change; bursts collapse into one. Ends with the signal. */
  snapshots(signal: AbortSignal): AsyncIterable<Snapshot>
}

export type Sink = {
  /** Makes the world as compiled says. Trouble with one fleet never delays another. */
  apply(compiled: Compiled, signal: AbortSignal): Promise<void>
  /** Tells people how it stands, by what the relays themselves report. */
  report(compiled: Compiled): Promise<void>
}

/** `told` how many milliseconds each compile took. */
export async function run(
  source: Source,
  sink: Sink,
  signal: AbortSignal,
  told: (compileMs: number) => void = () => undefined,
): Promise<void> {
  for await (const snapshot of source.snapshots(signal)) {
    const begin = performance.now()
    const compiled = compile(snapshot)
    told(performance.now() - begin)
    await sink.apply(compiled, signal)
    await sink.report(compiled)
  }
}
