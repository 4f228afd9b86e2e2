/** kubeconform finds nothing wrong with the chart, strictly, by the very schemas that a real API server publishes. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { helmInstalled, rendered, type Values } from '../chart/helm.ts'
import { accepted, apiOf, type KubeObject } from './api.ts'
import { givenCluster, theCluster } from './cluster.ts'
import { chartProgram, chartProgramInstalled } from './programs.ts'

const kubeconform = chartProgram('kubeconform', process.env)
const isInstalled = (): boolean => helmInstalled() && chartProgramInstalled('kubeconform', process.env)

type Schema = { readonly [field: string]: unknown }
type Kind = { readonly group: string; readonly version: string; readonly kind: string }

/** The schema with all its objects closed, so that a field that it does not know is wrong. */
function strict(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(strict)
  if (typeof node !== 'object' || node === null) return node
  const entries = Object.entries(node).map(([key, value]) =>
    key === '$ref' && typeof value === 'string'
      ? [key, value.replace('#/components/schemas/', '#/definitions/')]
      : [key, strict(value)],
  )
  const closed = Object.fromEntries(entries) as Schema
  const isObject = closed['type'] === 'object' && typeof closed['properties'] === 'object'
  return isObject && closed['additionalProperties'] === undefined ? { ...closed, additionalProperties: false } : closed
}

describe.runIf(givenCluster() !== undefined && isInstalled())('kubeconform', () => {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-schemas-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  beforeAll(async () => {
    const api = apiOf(theCluster().access)
    for (const apiVersion of new Set(rendered().map((o) => o.apiVersion))) {
      const path = apiVersion.includes('/') ? `apis/${apiVersion}` : `api/${apiVersion}`
      const { components } = accepted(await api.get(`/openapi/v3/${path}`)) as unknown as {
        components: { schemas: Record<string, Schema> }
      }
      const definitions = strict(components.schemas) as Record<string, Schema>
      for (const schema of Object.values(definitions)) writeSchema(schema, definitions)
    }
  })

  /** Writes the schema of each kind into the file that kubeconform looks for. */
  function writeSchema(schema: Schema, definitions: Schema): void {
    for (const { group, version, kind } of (schema['x-kubernetes-group-version-kind'] ?? []) as Kind[]) {
      const suffix = group === '' ? version : `${group.split('.')[0]}-${version}`
      writeFileSync(join(folder, `${kind.toLowerCase()}-${suffix}.json`), JSON.stringify({ ...schema, definitions }))
    }
  }

  const judged = (objects: readonly KubeObject[]): string => {
    const location = join(folder, '{{.ResourceKind}}{{.KindSuffix}}.json')
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
    const args = ['-strict', '-summary', '-schema-location', location]
    const { status, stdout, stderr } = spawnSync(kubeconform ?? '', args, { input, encoding: 'utf8' })
    return status === 0 ? stdout : `wrong: ${stdout}${stderr}`
  }

  test.each<[string, Values]>([
    ['as it comes', {}],
    ['for named namespaces', { watchNamespaces: ['mail', 'team-a'], admissionPolicy: { enabled: false } }],
  ])('finds nothing wrong with the chart, %s', (_name, values) => {
    const objects = rendered(values)
    expect(judged(objects)).toContain(`Valid: ${objects.length}, Invalid: 0, Errors: 0, Skipped: 0`)
  })

  test('would find an unknown field and a number for a text', () => {
    const deployment = rendered().find(({ kind }) => kind === 'Deployment') as KubeObject
    expect(judged([{ ...deployment, spec: { ...(deployment['spec'] as object), replica: 2 } }])).toMatch(
      /wrong: .*replica/s,
    )
    expect(judged([{ ...deployment, metadata: { ...deployment.metadata, name: 5 } } as unknown as KubeObject])).toMatch(
      /wrong: /,
    )
  })
})
