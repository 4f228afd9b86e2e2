/** A dashboard as we declare it, and as Grafana reads it: a variable for each choice, rows of panels, one form for all of them. */

export type Query = {
  readonly expr: string
  /** Of each series; the name of a label in braces is its value. */
  readonly legend: string
}

/** `bars` are counts of what is rare, `stacked` are parts of a whole, `now` is one number for each series. */
export type Shape = 'lines' | 'stacked' | 'bars' | 'now'

export type Panel = {
  readonly title: string
  /** What is seen, and what is to be thought of it at three in the morning. */
  readonly description: string
  readonly shape: Shape
  /** Of Grafana's; `suffix:` is free text behind the number. */
  readonly unit: string
  readonly queries: readonly [Query, ...Query[]]
  /** From where on the number is bad news: above, or below. */
  readonly bad?: { readonly above: number } | { readonly below: number }
  /** Of 24; a fourth of them for a number, a third for all else. */
  readonly width?: number
}

export type Row = { readonly title: string; readonly panels: readonly Panel[] }

export type Dashboard = {
  /** Stable: links and bookmarks hold it. */
  readonly uid: string
  readonly title: string
  readonly description: string
  /** What may be chosen beside the data source, by the label; each is asked of this metric, and narrowed by those before it. */
  readonly choices: { readonly of: string; readonly labels: readonly string[] }
  readonly rows: readonly Row[]
}

/** The choices as a selector: `{job=~"$job",instance=~"$instance"}` without its braces. */
export const chosen = (labels: readonly string[]): string => labels.map((label) => `${label}=~"$${label}"`).join(',')

const datasource = { type: 'prometheus', uid: `\${datasource}` }

/** The file that Grafana imports, or finds in a ConfigMap. */
export function grafanaJson({ uid, title, description, choices, rows }: Dashboard): string {
  const model = {
    uid,
    title,
    description,
    tags: ['relayfleet'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    timezone: 'browser',
    links: [{ type: 'dashboards', title: 'Relayfleet', tags: ['relayfleet'], asDropdown: true, keepTime: true }],
    templating: {
      list: [dataSourceChoice, ...choices.labels.map((label, i) => choice(choices.of, label, i, choices.labels))],
    },
    panels: laidOut(rows),
  }
  return `${JSON.stringify(model, null, 2)}\n`
}

const dataSourceChoice = {
  name: 'datasource',
  label: 'Data source',
  type: 'datasource',
  query: 'prometheus',
  refresh: 1,
}

function choice(metric: string, label: string, place: number, labels: readonly string[]) {
  const before = chosen(labels.slice(0, place))
  const query = `label_values(${metric}${before && `{${before}}`}, ${label})`
  return {
    name: label,
    label,
    type: 'query',
    datasource,
    definition: query,
    query: { query, refId: label },
    multi: true,
    includeAll: true,
    // A series without the label is one of all, too.
    allValue: '.*',
    current: { text: ['All'], value: ['$__all'] },
    refresh: 2,
    sort: 1,
  }
}

const columns = 24
const heights = { row: 1, now: 4, others: 8 } as const
const widths = { now: 4, others: 8 } as const

/** From left to right, a new line where one is full; panels of one line are equally high. */
function laidOut(rows: readonly Row[]): readonly object[] {
  const panels: object[] = []
  let y = 0
  for (const { title, panels: its } of rows) {
    panels.push({
      type: 'row',
      id: panels.length + 1,
      title,
      collapsed: false,
      gridPos: { h: heights.row, w: columns, x: 0, y },
      panels: [],
    })
    y += heights.row
    let x = 0
    let h = 0
    for (const panel of its) {
      const w = panel.width ?? (panel.shape === 'now' ? widths.now : widths.others)
      if (x + w > columns) {
        x = 0
        y += h
      }
      h = panel.shape === 'now' ? heights.now : heights.others
      panels.push({ id: panels.length + 1, gridPos: { h, w, x, y }, ...drawn(panel) })
      x += w
    }
    y += h
  }
  return panels
}

function drawn({ title, description, shape, unit, queries, bad }: Panel) {
  const isNow = shape === 'now'
  return {
    type: isNow ? 'stat' : 'timeseries',
    title,
    description,
    datasource,
    targets: queries.map(({ expr, legend }, i) => ({
      refId: String.fromCharCode(65 + i),
      datasource,
      editorMode: 'code',
      expr,
      legendFormat: legend,
      ...(isNow ? { instant: true, range: false } : { instant: false, range: true }),
    })),
    fieldConfig: {
      defaults: {
        unit,
        thresholds: thresholds(bad),
        ...(isNow ? { color } : { custom: styles[shape] }),
      },
      overrides: [],
    },
    options: isNow ? stat : timeseries,
  }
}

const color = { mode: 'thresholds' }
const stat = {
  colorMode: 'value',
  graphMode: 'none',
  justifyMode: 'auto',
  textMode: 'auto',
  reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
}
const timeseries = {
  legend: { displayMode: 'table', placement: 'bottom', showLegend: true, calcs: ['lastNotNull', 'max'] },
  tooltip: { mode: 'multi', sort: 'desc' },
}

// Soft: what has ended is below.
const line = { axisSoftMin: 0, drawStyle: 'line', lineWidth: 1, showPoints: 'never', spanNulls: false }
const styles: Readonly<Record<Exclude<Shape, 'now'>, object>> = {
  lines: { ...line, fillOpacity: 0 },
  stacked: { ...line, fillOpacity: 25, stacking: { mode: 'normal', group: 'A' } },
  bars: { ...line, drawStyle: 'bars', fillOpacity: 80, stacking: { mode: 'normal', group: 'A' } },
}

function thresholds(bad: Panel['bad']) {
  const [good, worse] = ['green', 'red']
  if (bad === undefined) return { mode: 'absolute', steps: [{ color: good, value: null }] }
  const [first, then, value] = 'above' in bad ? [good, worse, bad.above] : [worse, good, bad.below]
  return {
    mode: 'absolute',
    steps: [
      { color: first, value: null },
      { color: then, value },
    ],
  }
}
