/** A name that is made of the name of another object is one that Kubernetes and our own statuses take, however long that other name is. */
import { expect, test } from 'vitest'
import { objectName } from '../../crds/fields.ts'
import { ownSecretName } from '../../operator/cluster/domain-keys/own-secret.ts'
import { configMapNameOf } from '../../operator/compile/binding.ts'

const form = new RegExp(objectName.pattern)
const long = (at: number, char: string): string => `${'a'.repeat(at)}${char}${'b'.repeat(252 - at)}`
const names = Array.from({ length: 251 }, (_, i) => [long(i + 1, '.'), long(i + 1, '-')]).flat()

test.each<[string, (name: string) => string]>([
  ['the Secret with the keys of a domain', ownSecretName],
  ['the ConfigMap of a credential', (name) => configMapNameOf({ name })],
])('%s has a valid name wherever a long name has to be cut, and no two long names give the same one', (_what, nameOf) => {
  const made = names.map(nameOf)
  for (const name of made) expect(name).toMatch(form)
  expect(Math.max(...made.map(({ length }) => length))).toBeLessThanOrEqual(objectName.maxLength)
  expect(new Set(made).size).toBe(names.length)
})

test('a name that is short enough is not cut', () => {
  expect(ownSecretName('example')).toBe('example-dkim')
  expect(configMapNameOf({ name: 'a'.repeat(248) })).toBe(`${'a'.repeat(248)}-smtp`)
})
