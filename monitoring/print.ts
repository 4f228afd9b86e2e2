/** Dashboards and alerts as files of the chart, to be taken by hand, too, and the pages of the alerts: `npm run monitoring`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kubectlYaml } from '../crds/kubectl-yaml.ts'
import { type Alert, alertGroups, alerts } from './alerts.ts'
import { type Dashboard, grafanaJson } from './dashboards/dashboard.ts'
import { delivery } from './dashboards/delivery.ts'
import { fleets } from './dashboards/fleets.ts'
import { operator } from './dashboards/operator.ts'
import { relays } from './dashboards/relays.ts'

export const dashboards: readonly Dashboard[] = [fleets, delivery, relays, operator]

const root = join(import.meta.dirname, '..')
const chartFile = (name: string): string => join(root, 'charts/relayfleet/files', name)
/** Where the chart finds it. */
export const dashboardFile = ({ uid }: Dashboard): string => chartFile(`dashboards/${uid}.json`)
export const rulesFile = chartFile('alerts.yaml')
export const pagesFile = join(root, 'docs/alerts.md')

/** Of the pages; the chart has it as a value, for who keeps them elsewhere. */
export const runbooks = 'https://relayfleet.dev/docs/alerts'
const anchor = ({ name }: Alert): string => `#${name.toLowerCase()}`

/** A rule of Prometheus. */
const ruleOf = (alert: Alert) => ({
  alert: alert.name,
  expr: alert.expr,
  ...(alert.for === undefined ? {} : { for: alert.for }),
  labels: { severity: alert.severity },
  annotations: {
    summary: alert.summary,
    description: `${plain(alert.meaning)} ${plain(alert.impact)}`,
    runbook_url: `${runbooks}${anchor(alert)}`,
  },
})

/** Where it is read, links lead nowhere. */
const plain = (text: string): string => text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '')

export const printedRules = (): string => {
  const groups = Object.entries(alertGroups).map(([name, its]) => ({ name, rules: its.map(ruleOf) }))
  return `# Printed from monitoring/alerts.ts by \`npm run monitoring\`; never edited.\n${kubectlYaml({ groups })}`
}

const pageOf = (alert: Alert): string => {
  const lasting = alert.for === undefined ? '' : `, for ${alert.for}`
  return [
    `## ${alert.name}`,
    `${alert.severity}${lasting}: \`${alert.expr}\``,
    `**Meaning.** ${alert.meaning}`,
    `**Impact.** ${alert.impact}`,
    `**Diagnosis.** ${alert.diagnosis}`,
    `**Mitigation.** ${alert.mitigation}`,
  ].join('\n\n')
}

const preface = `# Alerts

<!-- Printed from monitoring/alerts.ts by \`npm run monitoring\`; never edited. -->

The chart brings them as a PrometheusRule (\`monitoring.alerts.enabled\`); for another Prometheus they are in
[alerts.yaml](../charts/relayfleet/files/alerts.yaml). Critical: mail is refused, or nobody acts on what is declared. Info can wait for the day.
Some expressions also look at when the process started: what a relay finds at its start is counted before the first scrape, and Prometheus sees no increase
in a series that begins with that count, or had the same one before a restart.`

export const printedPages = (): string => `${[preface, ...alerts.map(pageOf)].join('\n\n')}\n`

if (import.meta.main) {
  for (const dashboard of dashboards) writeFileSync(dashboardFile(dashboard), grafanaJson(dashboard))
  writeFileSync(rulesFile, printedRules())
  writeFileSync(pagesFile, printedPages())
}
