/** `kubectl apply -k config/` installs what the chart installs. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { operatorFile, printed, templateArguments } from '../../config/print.ts'
import { kinds } from '../../crds/kinds.ts'
import { helmInstalled, runHelm } from './helm.ts'

const root = join(import.meta.dirname, '../..')

test('the kustomization of the CRDs names every kind', () => {
  const { resources } = parse(readFileSync(join(root, 'crds/kustomization.yaml'), 'utf8')) as { resources: string[] }
  expect(resources.toSorted()).toEqual(kinds.map(({ plural }) => `relayfleet.dev_${plural}.yaml`).toSorted())
})

describe.runIf(helmInstalled())('with helm', () => {
  test('config/ has the operator as helm renders it from the chart', () => {
    const { stdout } = runHelm(templateArguments)
    expect(readFileSync(operatorFile, 'utf8'), 'npm run config').toBe(printed(stdout))
  })
})
