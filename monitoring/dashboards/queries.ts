/** The forms in which the dashboards ask; Grafana puts a window in for $__rate_interval that holds four scrapes or more. */
import type { Query } from './dashboard.ts'

/** A metric of ours, without its prefix, and which of its series: `smtpd_messages_total`, `result="accepted"`. */
export type Asked = { readonly metric: string; readonly where: string }

const selected = ({ metric, where }: Asked): string => `relayfleet_${metric}${where === '' ? '' : `{${where}}`}`
const summed = (by: readonly string[]): string => (by.length === 0 ? 'sum' : `sum by (${by.join(', ')})`)
/** What tells the series apart, or, of one, what is counted. */
const legendOf = (by: readonly string[], one: string): string => by.map((label) => `{{${label}}}`).join(' ') || one

/** Of a counter; `one` names what it counts. */
export const perSecond = (asked: Asked, one: string, ...by: readonly string[]): Query => ({
  expr: `${summed(by)} (rate(${selected(asked)}[$__rate_interval]))`,
  legend: legendOf(by, one),
})

/** Of a counter of what is rare: how many in each step of the panel. */
export const howMany = (asked: Asked, one: string, ...by: readonly string[]): Query => ({
  expr: `${summed(by)} (increase(${selected(asked)}[$__rate_interval]))`,
  legend: legendOf(by, one),
})

/** Of a gauge. */
export const sum = (asked: Asked, one: string, ...by: readonly string[]): Query => ({
  expr: `${summed(by)} (${selected(asked)})`,
  legend: legendOf(by, one),
})

/** Half of a histogram's observations are below the first, 99 of a hundred below the second. */
export const quantiles = (asked: Asked, ...by: readonly string[]): readonly [Query, Query] => {
  const buckets = selected({ ...asked, metric: `${asked.metric}_bucket` })
  const at = (q: number): Query => ({
    expr: `histogram_quantile(${q}, sum by (${['le', ...by].join(', ')}) (rate(${buckets}[$__rate_interval])))`,
    legend: [`p${100 * q}`, ...by.map((label) => `{{${label}}}`)].join(' '),
  })
  return [at(0.5), at(0.99)]
}

/** The ten series of which there is most. */
export const mostOf = ({ expr, legend }: Query): Query => ({ expr: `topk(10, ${expr})`, legend })
