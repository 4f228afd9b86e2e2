/** An error of the API server has its words, but no password or key that they repeat. */
import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { newPassword } from '../../../../operator/binding-secret.ts'
import { refusal } from '../../../../operator/cluster/api/api-error.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const secret = 'PATCH /api/v1/namespaces/shop/secrets/smtp'
const words = (what: string, message: string): string => refusal(what, 422, { message }).message

test('case A17: where a webhook repeats the values of a Secret, the error has its name and reason, and no password and no key', () => {
  const password = newPassword()
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const key = pem.split('\n')[1] ?? ''
  const values = [password, `smtps://web.shop:${password}@relay.shop.svc:465`, pem, JSON.stringify([{ key: pem }])]
  const quoted = values.flatMap((value) => [value, JSON.stringify(value), base64(value)])
  for (const quote of quoted) {
    const said = words(secret, `admission webhook "teams.example.org" denied the request: no team in ${quote}`)
    expect(said).toContain(`${secret}: 422 admission webhook "teams.example.org" denied the request: no team in `)
    expect([password, key, quote].filter((value) => said.includes(value))).toEqual([])
  }
})

test('names and hashes stay in an error, and so does everything about other kinds than Secrets', () => {
  const name = 'checkout-of-the-shop-in-the-south-of-the-country-with-a-long-name'
  const said = `secrets "${name}" is forbidden: sha256:5d71ac09e0a484bfadac67da543c6ce82191b0991eb0d12dc7843907c7155d47`
  expect(words(`${secret}-${name}`, said)).toBe(`${secret}-${name}: 422 ${said}`)
  const other = 'ValidatingAdmissionPolicyBindingOfTheWholeTeamAndItsFriends'
  expect(words('PATCH /api/v1/namespaces/shop/pods/p', other)).toContain(other)
})
