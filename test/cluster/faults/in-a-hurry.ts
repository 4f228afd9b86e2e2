/** Options for an operator with short timers: what otherwise heals within minutes heals within a test. */
import type { OperatorOptions } from '../../../operator/cluster/operator-options.ts'

export const inAHurry = {
  timing: { watching: { relistMs: 2000, silenceMs: 1500 }, lookMs: 3000 },
  limits: { rate: { perSecond: 200, burst: 400 }, callMs: 4000, listMs: 4000 },
} as const satisfies Partial<OperatorOptions>
