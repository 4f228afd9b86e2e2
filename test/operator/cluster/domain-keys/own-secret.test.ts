/** The name of the Secret with the keys of a domain: one that Kubernetes takes, for a SenderDomain of any name. */
import { expect, test } from 'vitest'
import { objectName } from '../../../../crds/fields.ts'
import { ownSecretName } from '../../../../operator/cluster/domain-keys/own-secret.ts'

test('it is a name wherever the name of the domain has to be cut, and no two have one', () => {
  const long = (at: number, char: string): string => `${'a'.repeat(at)}${char}${'b'.repeat(252 - at)}`
  const names = ['example', ...Array.from({ length: 252 }, (_, i) => [long(i + 1, '.'), long(i + 1, '-')]).flat()]
  const secrets = names.filter((name) => new RegExp(objectName.pattern).test(name)).map(ownSecretName)
  for (const secret of secrets) expect(secret).toMatch(new RegExp(objectName.pattern))
  expect(Math.max(...secrets.map(({ length }) => length))).toBeLessThanOrEqual(objectName.maxLength)
  expect(new Set(secrets).size).toBe(secrets.length)
  expect(ownSecretName('example')).toBe('example-dkim')
})
