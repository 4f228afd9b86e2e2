/** Each folder is a golden case: what is declared (in.yaml) and what compile makes of it (out.yaml), read and judged by a person. */
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { kinds } from '../../crds/kinds.ts'
import { statusProblems } from '../../crds/validate.ts'
import { compile } from '../../operator/compile/compile.ts'
import type { Compiled } from '../../operator/compile/compiled.ts'
import { parseConfig, printConfig } from '../../relay/config.ts'
import { render } from './render.ts'
import { readCase } from './world.ts'

const folder = import.meta.dirname
const cases = readdirSync(folder, { withFileTypes: true }).filter((e) => e.isDirectory())

const brokenStatuses = ({ statuses }: Compiled): readonly unknown[] =>
  [...statuses].flatMap(([ref, status]) =>
    kinds.filter((k) => ref.startsWith(`${k.kind} `)).flatMap((k) => statusProblems(k, withTimes(status))),
  )
const withTimes = (status: { readonly conditions: readonly object[] }): unknown => ({
  ...status,
  conditions: status.conditions.map((c) => ({ ...c, lastTransitionTime: '2026-01-01T00:00:00Z' })),
})

test.each(cases.map((c) => c.name))('%s compiles to its out.yaml', async (name) => {
  const { snapshot, facts } = readCase(`${folder}/${name}`)
  const compiled = compile(snapshot)
  await expect(render(compiled, facts.show ?? 'compact')).toMatchFileSnapshot(`${name}/out.yaml`)
  expect(brokenStatuses(compiled)).toEqual([])
  for (const { config } of compiled.fleets.values()) {
    if (config !== undefined) expect(parseConfig(printConfig(config))).toEqual(config)
  }
})
