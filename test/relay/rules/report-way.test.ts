/** Where a report on undeliverable mail (a DSN) may go, by the environment and the `recipients` of the policy. */
import { expect, test } from 'vitest'
import type { RelayConfig } from '../../../relay/config.ts'
import { reportMayLeave } from '../../../relay/rules/report-way.ts'

const none = { domains: [], addresses: [] }
const toQa = { ...none, mode: 'Redirect', redirectTo: 'qa@corp.test' } as const
const listed = { mode: 'AllowList', domains: ['xn--bcher-kva.test'], addresses: ['app@corp.test'] } as const

test.each<[RelayConfig['recipients'], string, boolean]>([
  [{ ...none, mode: 'Capture' }, 'app@corp.test', false],
  [toQa, 'app@corp.test', false],
  [toQa, 'QA@Corp.test', true],
  [{ ...none, mode: 'Redirect' }, 'app@corp.test', false],
  [listed, 'App@CORP.test', true],
  [listed, 'other@corp.test', false],
  [listed, 'anybody@xn--bcher-kva.test', true],
  [listed, 'app%corp.test@xn--bcher-kva.test', false],
])('%j: a report to %s leaves NonProduction: %s, and Production always', (recipients, reversePath, may) => {
  expect(reportMayLeave({ environment: 'NonProduction', recipients }, reversePath)).toBe(may)
  expect(reportMayLeave({ environment: 'Production', recipients }, reversePath)).toBe(true)
})
