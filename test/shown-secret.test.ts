/** What looks for secrets in a text finds them in every encoding, and takes no public key for one. */
import { createPrivateKey } from 'node:crypto'
import { expect, test } from 'vitest'
import { ed25519Key, rsaKey } from './relay/delivery/signing-keys.ts'
import { shownIn } from './shown-secret.ts'

const [rsa, ed25519] = [rsaKey('r1'), ed25519Key('e1')]
const secrets: Readonly<Record<string, string>> = {
  'a password': 'kR3-vX_9qTz0LmB7eWcY2nHsUfGd41aPjQoI8xKyZtE',
  'a key of RSA': rsa.pem,
  'a key of Ed25519': ed25519.pem,
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const forms: Readonly<Record<string, (secret: string) => string>> = {
  'as it is': (s) => `the secret is ${s}, it says`,
  'in JSON': (s) => JSON.stringify({ told: `x ${s} y` }),
  'in JSON within JSON': (s) => JSON.stringify({ told: JSON.stringify({ s }) }),
  'in YAML': (s) => `key: |\n${s.replaceAll(/^/gm, '    ')}`,
  'in a Secret': (s) => JSON.stringify({ data: { password: base64(s) } }),
  'in an address in a Secret': (s) =>
    JSON.stringify({ data: { uri: base64(`smtp://web.team-a:${s}@relay.mail.svc:587`) } }),
  'in a quoted Secret, in base64': (s) => base64(JSON.stringify({ data: { password: base64(s) } })),
  'in base64url': (s) => Buffer.from(s).toString('base64url'),
  'in hex': (s) => Buffer.from(s).toString('hex').toUpperCase(),
  'as a Buffer in JSON': (s) => JSON.stringify({ s: Buffer.from(s) }),
}

test.each(
  Object.entries(secrets).flatMap(([what, secret]) =>
    Object.entries(forms).map(([how, written]) => [what, how, secret, written] as const),
  ),
)('%s is found %s', (_what, _how, secret, written) => {
  expect(shownIn(written(secret), [secret])).toEqual([secret])
})

const der = (pem: string): Buffer => createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' })
test.each([
  ['in base64', (octets: Buffer) => octets.toString('base64')],
  ['in base64, cut', (octets: Buffer) => octets.toString('base64').slice(0, -20)],
  ['in hex', (octets: Buffer) => octets.toString('hex')],
  ['as a Buffer in JSON', (octets: Buffer) => JSON.stringify({ octets })],
])('keys without their PEM are found %s', (_how, written) => {
  const keys = [rsa.pem, ed25519.pem]
  for (const key of keys) expect(shownIn(`key ${written(der(key))}`, keys)).toEqual([key])
})

test('what may be shown of a key is not taken for the key, nor is another one', () => {
  const shown = [rsa.record, ed25519.record, rsaKey('r2').pem, ed25519Key('e2').pem]
  expect(shownIn(JSON.stringify([shown, shown.map(base64)]), [rsa.pem, ed25519.pem])).toEqual([])
})
