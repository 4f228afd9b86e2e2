/** The Secret of a binding follows Service Binding, takes labels from the template, and has the password only where it belongs. */
import { expect, test } from 'vitest'
import { textIn } from '../../../../operator/cluster/api/secret-data.ts'
import { bindingObject, confidences } from '../../../../operator/cluster/bindings/binding-object.ts'
import { owed } from '../owed.ts'

const password = 'p'.repeat(43)

test('a binding Secret has the type and the keys of Service Binding', () => {
  const object = bindingObject(owed({ host: '2001:db8::1', scheme: 'smtps', port: 465 }), password)
  expect(object).toMatchObject({ kind: 'Secret', type: 'servicebinding.io/smtp' })
  expect(object.metadata).toMatchObject({ name: 'smtp', namespace: 'team-a' })
  const texts = Object.keys(object['data'] as object).map((key) => [key, textIn(object, key)])
  expect(Object.fromEntries(texts)).toEqual({
    type: 'smtp',
    provider: 'relayfleet',
    host: '2001:db8::1',
    port: '465',
    username: 'web.team-a',
    password,
    uri: `smtps://web.team-a:${password}@[2001:db8::1]:465`,
    certificates: 'THE BUNDLE',
  })
})

test('where the operator did not issue the certificate, the Secret has no key certificates', () => {
  expect(bindingObject(owed({ issuedByOperator: false }), password)['data']).not.toHaveProperty('certificates')
})

test.each([
  ['app.kubernetes.io/managed-by', false],
  ['relayfleet.dev/policy', false],
  ['relayfleet.dev/applied-hash', false],
  ['any.relayfleet.dev/thing', false],
  ['app.kubernetes.io/name', true],
  ['notrelayfleet.dev/thing', true],
  ['relayfleet.dev.example.org/thing', true],
  ['team', true],
])('whether a template may set the label and annotation %s: %s', (key, counts) => {
  const given = { [key]: 'theirs' }
  const { labels, annotations } = bindingObject(owed({ labels: given, annotations: given }), password).metadata
  expect([labels, annotations]).toEqual(counts ? [given, given] : [{}, {}])
})

test('the texts to keep out of messages are all that have the password, plain and in base64, and no other', () => {
  const object = bindingObject(owed(), password)
  const data = object['data'] as Record<string, string>
  const told = Object.entries(data).flatMap(([key, value]) => [value, textIn(object, key) ?? ''])
  const holdIt = told.filter(
    (text) => Buffer.from(text, 'base64').toString().includes(password) || text.includes(password),
  )
  expect(confidences(object).toSorted()).toEqual(holdIt.toSorted())
  expect(confidences(object)).toHaveLength(4)
})

test('a Secret without data has no text', () => {
  expect(textIn({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'smtp' } }, 'password')).toBeUndefined()
})
