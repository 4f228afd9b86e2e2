/** One run of one contender: how many messages a second it acknowledged to clients, and how many arrived at the sink. */
import { until } from '../test/local/until.ts'
import type { Lane, Run } from './lane.ts'
import { carryOut, type LoadOrder } from './load-order.ts'

const deliveryDeadlineMs = 120_000
const lookEveryMs = 10

/** @throws Error when even one message was not acknowledged, or did not arrive within two minutes. */
export async function race(
  { contender, sink }: Pick<Lane, 'contender' | 'sink'>,
  order: Omit<LoadOrder, 'access'>,
): Promise<Run> {
  const before = sink.delivered()
  const { began, seconds, cpuSeconds, acknowledged, others } = await carryOut({ ...order, access: contender.access })
  if (acknowledged === 0 || others.length > 0) {
    const why = others.slice(0, 3).join('; ')
    throw new Error(`${contender.name} acknowledged ${acknowledged}, and not ${others.length} others: ${why}`)
  }
  const all = () => sink.delivered() - before >= acknowledged
  await until(`${contender.name} delivers ${acknowledged} messages`, all, deliveryDeadlineMs, lookEveryMs)
  return {
    loadCores: cpuSeconds / seconds,
    acceptedPerSecond: acknowledged / seconds,
    deliveredPerSecond: acknowledged / ((Date.now() - began) / 1000),
  }
}
