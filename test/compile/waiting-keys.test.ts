/** What is looked for of keys that do not sign yet: since when each waits, and under which names its records are. */
import { expect, test } from 'vitest'
import { compile } from '../../operator/compile/compile.ts'
import type { Name } from '../../operator/compile/snapshot.ts'
import type { DkimKey, DkimStage } from '../../operator/lifecycle/dkim-key.ts'
import type { DomainKeys } from '../../operator/lifecycle/domain-keys.ts'
import { snapshotOf } from './world.ts'

const domain = `
apiVersion: relayfleet.dev/v1alpha1
kind: SenderDomain
metadata: {name: shop, namespace: mail}
spec: {domain: shop.example, environment: Production, dkim: {}}
`
const key = (selector: string, stage: DkimStage, since: number, delegatedTo?: string): DkimKey => ({
  ...{ selector, algorithm: 'rsa2048', publicKey: `key of ${selector}`, stage, since },
  ...(delegatedTo !== undefined && { delegatedTo }),
})

test('the checks of a domain have the keys that wait, with the names of their records, and no others', () => {
  const { snapshot } = snapshotOf(domain, new Map())
  const target = 's3.shop.example._dkim.keys.example'
  const keys = [
    key('s1', 'Active', 1),
    key('s2', 'Pending', 2),
    key('s3', 'Published', 3, target),
    key('s4', 'Retiring', 4),
    key('s5', 'Retired', 5),
    key('s6', 'Pending', 6, 'keys.elsewhere.example'),
  ]
  const compiled = compile({
    ...snapshot,
    domainKeys: new Map<Name, DomainKeys>([['mail/shop', { keys, sign: [], found: [] }]]),
  })
  expect(compiled.domainChecks.get('mail/shop')?.waiting).toEqual([
    { stage: 'Pending', since: 2, names: ['s2._domainkey.shop.example'] },
    { stage: 'Published', since: 3, names: ['s3._domainkey.shop.example', target] },
    { stage: 'Pending', since: 6, names: ['s6._domainkey.shop.example'] },
  ])
})
