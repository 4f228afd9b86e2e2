/** The main loop: facts in, one pure function, decisions out. Each mode is a choice of a Source and a Sink. */
import { compile } from './compile/compile.ts'
import type { Compiled } from './compile/compiled.ts'
import type { Snapshot } from './compile/snapshot.ts'

export type Source = {
  /** Yields a snapshot at once, and one after each change, where a burst of changes yields one. Ends when the signal aborts. */
  snapshots(signal: AbortSignal): AsyncIterable<Snapshot>
}

export type Sink = {
  /** Makes the cluster or the machine as compiled says. Trouble with one fleet must not delay another. */
  apply(compiled: Compiled, signal: AbortSignal): Promise<void>
  /** Writes the statuses, by what the relays themselves report. */
  report(compiled: Compiled): Promise<void>
}

/** `told` is called with the milliseconds that each compile took. */
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
