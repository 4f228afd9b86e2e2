/** `kubectl apply -k config/` installs what the chart installs. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { operatorFile, printed, templateArguments } from '../../config/print.ts'
import { kinds } from '../../crds/kinds.ts'
import { helmInstalled, runHelm } from './helm.ts'

type PodOwner = { readonly template: { readonly spec: { readonly containers: { name: string; args: string[] }[] } } }

const root = join(import.meta.dirname, '../..')

test('the kustomization of the CRDs names every kind', () => {
  const { resources } = parse(readFileSync(join(root, 'crds/kustomization.yaml'), 'utf8')) as { resources: string[] }
  expect(resources.toSorted()).toEqual(kinds.map(({ plural }) => `relayfleet.dev_${plural}.yaml`).toSorted())
})

test('the kustomization sets the image of the relays in the argument that has it', () => {
  const path = 'spec.template.spec.containers.[name=operator].args.'
  const { replacements } = parse(readFileSync(join(root, 'config/kustomization.yaml'), 'utf8')) as {
    replacements: { targets: { fieldPaths: string[] }[] }[]
  }
  const fieldPaths = replacements.flatMap(({ targets }) => targets.flatMap((target) => target.fieldPaths))
  const deployment = parseAllDocuments(readFileSync(operatorFile, 'utf8'))
    .map((document) => document.toJS() as { kind: string; spec: PodOwner })
    .find(({ kind }) => kind === 'Deployment')
  const { args } = deployment?.spec.template.spec.containers.find(({ name }) => name === 'operator') ?? { args: [] }
  expect(fieldPaths).toEqual([`${path}${args.findIndex((arg) => arg.startsWith('--image='))}`])
})

describe.runIf(helmInstalled())('with helm', () => {
  test('config/ has the operator as helm renders it from the chart', () => {
    const { stdout } = runHelm(templateArguments)
    expect(readFileSync(operatorFile, 'utf8'), 'npm run config').toBe(printed(stdout))
  })
})
