/** Each folder is a golden case: a fleet as it is declared (in.yaml) and its objects in a cluster (out.yaml), read and judged by a person. */
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { manifestsOf } from '../../operator/manifests/manifests.ts'
import { readFleet } from './fleet-of.ts'

const folder = import.meta.dirname
const cases = readdirSync(folder, { withFileTypes: true }).filter((e) => e.isDirectory())

test.each(cases.map((c) => c.name))('the fleet of %s has the objects in its out.yaml', async (name) => {
  const { fleet, shows } = readFleet(`${folder}/${name}`)
  const shown = manifestsOf(fleet).filter(({ kind }) => shows(kind))
  const text = shown.map((m) => stringify(m, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n')
  await expect(text).toMatchFileSnapshot(`${name}/out.yaml`)
})
