/** The two selectors of a domain that are delegated to a zone of the platform team's. */
import { expect, test } from 'vitest'
import { delegatedSelectors } from '../../../operator/lifecycle/delegated-selectors.ts'

test('names in the target zone have _dkim between domain and zone, so that no two domains share one', () => {
  const its = (domain: string, targetZone: string) =>
    delegatedSelectors({ domain, targetZone, prefix: 'rf', environment: 'Production' }).rsa.map((s) => s.delegatedTo)
  expect(its('mail.corp.example', 'keys.example')).toEqual([
    'rf-prod-rsa-1.mail.corp.example._dkim.keys.example',
    'rf-prod-rsa-2.mail.corp.example._dkim.keys.example',
  ])
  expect(its('mail.corp', 'example.keys.example')[0]).toBe('rf-prod-rsa-1.mail.corp._dkim.example.keys.example')
})
