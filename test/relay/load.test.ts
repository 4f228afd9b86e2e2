/** A file that went bad leaves its last good content in use, and is told. */
import 'reflect-metadata'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import { ExtendedKeyUsage } from '@peculiar/x509'
import { expect, test } from 'vitest'
import { printConfig, type RelayConfig } from '../../relay/config.ts'
import { ConfigOctets } from '../../relay/config-octets.ts'
import { secureContext } from '../../relay/delivery/secure.ts'
import { draftConfig, loadConfig, sameConfig, toldStale } from '../../relay/load.ts'
import { makeCertificates, onCurve } from '../certificates.ts'
import { certify, dns, makeAuthority } from '../client-certificates.ts'
import { ed25519Key, keyFiles, rsaKey, signingWith } from './delivery/signing-keys.ts'
import { storeAt } from './limits/counting-fleet.ts'
import { config, written } from './written-config.ts'

test.each([
  ['a CA that is none', 'ca/ca.crt', 'garbage'],
  ['a CA that is empty', 'ca/ca.crt', ''],
  ['a CA that is damaged', 'ca/ca.crt', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  ['a CA of clients that is empty', 'ca/clients.crt', ''],
  ['a certificate that is none', 'tls.crt', 'garbage'],
  ['a certificate that is empty', 'tls.crt', ''],
])('%s leaves the last good one in use, is told as stale, and no more when it is mended', async (_name, path, text) => {
  const { folder, write, ...good } = await written()
  const before = loadConfig(folder)
  expect([...before.stale.keys()]).toEqual([])
  write({ [path]: text })
  const after = loadConfig(folder, before)
  expect(after.files.get(path)).toBe(before.files.get(path))
  expect([...after.stale.keys()]).toEqual([path])
  expect(sameConfig(before, after), 'the status has to change, though what is in use does not').toBe(false)
  write({ 'tls.crt': good.cert, 'ca/ca.crt': good.ca, 'ca/clients.crt': good.ca })
  expect([...loadConfig(folder, after).stale.keys()]).toEqual([])
})

const other = await makeCertificates(['localhost'])
const encrypted = createPrivateKey(other.key).export({
  ...{ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' },
}) as string
const curves = await Promise.all(
  ['secp256k1', 'brainpoolP256r1', 'secp224r1'].map((curve) => onCurve(curve, other.cert)),
)
const forClients = await certify(await makeAuthority('Test Authority'), [dns('localhost')])

test.each([
  ...curves.map(
    ({ cert, key }) =>
      [
        'with a key on a curve that TLS has no use for',
        { 'tls.crt': cert, 'tls.key': key },
        /^tls\.crt \(no client makes TLS with the key of tls\.crt: it needs ECDSA on P-256, P-384 or P-521, RSA or Ed25519\)$/,
      ] as const,
  ),
  [
    'that is for clients only',
    { 'tls.crt': forClients.cert, 'tls.key': forClients.key },
    /^tls\.crt \(tls\.crt is not for servers: its extended key usage has no serverAuth\)$/,
  ],
  ['whose key has a passphrase', { 'tls.key': encrypted }, /^tls\.crt \(tls\.key: it is encrypted, .* without one\)$/],
  ['with the key of another', { 'tls.key': other.key }, /^tls\.crt \(tls\.key is not the key of the first certificate/],
  [
    'with a key of another kind',
    { 'tls.key': rsaKey('any').pem },
    /^tls\.crt \(tls\.key is not the key of the first certificate/,
  ],
  ['behind its authority', { 'tls.crt': `${other.ca}\n${other.cert}` }, /which has to be the server's own; those that/],
  ['without a key', { 'tls.key': 'garbage' }, /^tls\.crt \(tls\.key holds no private key in PEM\)$/],
  ['that is none', { 'tls.crt': 'garbage' }, /^tls\.crt \(tls\.crt holds no certificate in PEM\)$/],
  [
    'that runs into its authority',
    { 'tls.crt': other.cert.trim() + other.ca, 'tls.key': other.key },
    /^tls\.crt \(a certificate in tls\.crt is cut off, or its last line goes on with the next one\)$/,
  ],
] as const)('what is wrong with a certificate %s is told in words, and again when it is another thing', async (_, files, told) => {
  const { folder, write } = await written()
  const before = loadConfig(folder)
  write(files)
  const after = loadConfig(folder, before)
  expect(toldStale(after)).toEqual([expect.stringMatching(told)])
  write({ 'tls.crt': '' })
  expect(sameConfig(after, loadConfig(folder, after))).toBe(false)
})

test.each([
  'tls.crt',
  'tls.key',
])('where %s is not there any more beside a new other half, the last good pair is in use, and just that is told (case T12)', async (path) => {
  const { folder, write } = await written()
  const before = loadConfig(folder)
  write({ 'tls.crt': other.cert, 'tls.key': other.key })
  rmSync(join(folder, path))
  const after = loadConfig(folder, before)
  expect(after.files).toEqual(before.files)
  expect(toldStale(after)).toEqual([`${path} (it is not readable (ENOENT))`])
})

test('a key that is empty leaves the last good pair in use, and is told', async () => {
  const { folder, write } = await written()
  const before = loadConfig(folder)
  write({ 'tls.key': '' })
  expect(loadConfig(folder, before)).toMatchObject({
    stale: new Map([['tls.crt', expect.any(String)]]),
    files: before.files,
  })
})

const day = 86_400_000
const lasting = (from: number, until: number) =>
  makeCertificates(['localhost'], {
    notBefore: new Date(Date.now() + from * day),
    notAfter: new Date(Date.now() + until * day),
  })

test.each([
  ['has ended', [-2, -1], /^tls\.crt \(it ended at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)$/],
  ['is not valid yet', [0.5, 9], /^tls\.crt \(it is not valid before \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)$/],
] as const)('a certificate that %s leaves the last good one in use while that is valid, and is told (case T13)', async (_, [
  from,
  until,
], told) => {
  const { folder, write, cert, key } = await written()
  const before = loadConfig(folder)
  const untimely = await lasting(from, until)
  write({ 'tls.crt': untimely.cert, 'tls.key': untimely.key })
  const after = loadConfig(folder, before)
  expect([after.files.get('tls.crt'), after.files.get('tls.key')]).toEqual([cert, key])
  expect(toldStale(after)).toEqual([expect.stringMatching(told)])
  // When none is valid any more it is no worse, and what the Secret says counts.
  const later = loadConfig(folder, after, undefined, undefined, Date.now() + 10 * day)
  expect(later.files.get('tls.crt')).toBe(untimely.cert)
  expect(toldStale(later)).toEqual([])
})

test('a certificate whose issuer that comes along has ended leaves the last good one in use (case T13)', async () => {
  const { folder, write, cert } = await written()
  const before = loadConfig(folder)
  const issuer = await makeAuthority('Intermediate', await makeAuthority('Root'), undefined, -1)
  const { cert: leaf, key } = await certify(issuer, [dns('localhost')], { usage: ExtendedKeyUsage.serverAuth })
  write({ 'tls.crt': `${leaf}\n${issuer.pem}`, 'tls.key': key })
  expect(loadConfig(folder, before).files.get('tls.crt')).toBe(cert)
})

test('a certificate that has ended is better than none at the first start (case T13)', async () => {
  const { folder, write } = await written()
  const ended = await lasting(-2, -1)
  write({ 'tls.crt': ended.cert, 'tls.key': ended.key })
  expect(toldStale(loadConfig(folder))).toEqual([])
})

test.each(['tls.crt', 'tls.key'])('an empty %s at the first start is no configuration, and is named', async (path) => {
  const { folder, write } = await written()
  write({ [path]: '' })
  expect(() => loadConfig(folder)).toThrow(`the certificate of listener submission can not be used: ${path} is empty`)
})

test.each(['', '{"version":', '\0\uFFFF'])('a configuration that is no JSON is named by its file: %j', async (text) => {
  const { folder, write } = await written()
  write({ 'relay.json': text })
  expect(() => loadConfig(folder)).toThrow(`${join(folder, 'relay.json')} is no JSON: `)
  expect(() => draftConfig(folder)).toThrow(`${join(folder, 'relay.json')} is no JSON: `)
})

test('a configuration with an octet that is no UTF-8 is none: no name has another one in its place', async () => {
  const { folder } = await written()
  const text = printConfig({ ...config, hostname: 'bücher.example' })
  writeFileSync(join(folder, 'relay.json'), Buffer.from(text, 'latin1'))
  expect(() => loadConfig(folder)).toThrow(`${folder}: relay.json is no UTF-8`)
})

test.each<[string, Partial<typeof config>, string]>([
  [
    'a name that would end a line of the dialog',
    { hostname: 'relay.example\r\n250 ok' },
    'config.hostname: is not a host name',
  ],
  ['no name', { hostname: '' }, 'config.hostname: is not a host name'],
  [
    'networks without a network',
    { networks: { allow: ['everybody'], deny: [] } },
    'config.networks.allow[0]: is not a network',
  ],
  [
    'a prefix that is too long',
    { networks: { allow: [], deny: ['192.0.2.0/33'] } },
    'config.networks.deny[0]: is not a network',
  ],
  [
    'an IPv4 network within IPv6 whose prefix is too short',
    { networks: { allow: ['::ffff:192.0.2.0/90'], deny: [] } },
    'config.networks.allow[0]: is not a network',
  ],
  ['half a prefix', { networks: { allow: [], deny: ['2001:db8::/'] } }, 'config.networks.deny[0]: is not a network'],
])('a configuration that is written by hand with %s is refused, and the field is named', async (_what, change, problem) => {
  const { folder, write } = await written()
  write({ 'relay.json': printConfig({ ...config, ...change }) })
  expect(() => loadConfig(folder)).toThrow(problem)
})

test.each([
  '192.0.2.1',
  '192.0.2.0/24',
  '2001:db8::/32',
  '::1',
  '::ffff:192.0.2.0/120',
])('a configuration may have the network %s', async (network) => {
  const { folder, write } = await written()
  write({ 'relay.json': printConfig({ ...config, networks: { allow: [network], deny: [] } }) })
  expect(loadConfig(folder).config.networks.allow).toEqual([network])
})

test('a configuration that is replaced while the files beside it are read is read anew, with all of its files', async () => {
  const { folder, write, ca } = await written()
  const octets = new ConfigOctets(folder)
  const read = octets.read.bind(octets)
  octets.read = (path) => {
    const before = read(path)
    if (path === 'ca/ca.crt') write({ 'relay.json': printConfig({ ...config, suspended: true }), [path]: `${ca}${ca}` })
    return before
  }
  const { config: loaded, files } = loadConfig(folder, undefined, octets)
  expect(loaded.suspended).toBe(true)
  expect(files.get('ca/ca.crt')?.match(/BEGIN/g)).toHaveLength(2)
})

test('a CA that never was one is no configuration, and is named', async () => {
  const { folder, write } = await written()
  write({ 'ca/ca.crt': 'garbage' })
  expect(() => loadConfig(folder)).toThrow('ca/ca.crt can not be used: there is no certificate in it')
})

test('an authority of the store of limits that went bad leaves the last good one in use, and is told', async () => {
  const { folder, write, ca } = await written()
  const store = storeAt(1, { tls: { mode: 'Implicit', caFile: 'ca/store.crt' } })
  write({ 'relay.json': printConfig({ ...config, sharing: { relays: 1, store } }), 'ca/store.crt': ca })
  const before = loadConfig(folder)
  write({ 'ca/store.crt': 'no certificate' })
  const after = loadConfig(folder, before)
  expect(after.files).toEqual(before.files)
  expect([...after.stale.keys()]).toEqual(['ca/store.crt'])
})

test('a bundle of several authorities is one', async () => {
  const { folder, write, ca } = await written()
  write({ 'ca/ca.crt': `# ours\n${ca}\n# theirs\n${ca}` })
  expect([...loadConfig(folder).stale.keys()]).toEqual([])
})

/** Whether the holder of this certificate is trusted by these roots. */
async function isTrusted(holder: { readonly cert: string; readonly key: string }, roots: string | undefined) {
  const server = createServer(holder, (client) => client.end()).listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({
    port,
    host: 'localhost',
    secureContext: secureContext(roots, true),
    rejectUnauthorized: false,
  })
  await once(client.resume(), 'secureConnect')
  const { authorized } = client
  client.destroy()
  server.close()
  return authorized
}

test.each([
  ['one runs into the next', (one: string, other: string) => `${one.trim()}${other.trim()}`],
  ['it stands in quotes', (one: string, other: string) => `"${one}${other}"`],
  ['text stands around them', (one: string, other: string) => `\uFEFF ours\r\n${one}--- theirs ---\n${other}end`],
])('each authority of a bundle is trusted where %s', async (_name, bundle) => {
  const { folder, write, ...one } = await written()
  write({ 'ca/ca.crt': bundle(`${one.ca.trim()}\n`, `${other.ca.trim()}\n`) })
  const roots = loadConfig(folder).files.get('ca/ca.crt')
  expect([await isTrusted(one, roots), await isTrusted(other, roots)]).toEqual([true, true])
})

test.each([
  ['begins', (ca: string) => `${ca.slice(0, 200)}\n${ca}`],
  ['ends', (ca: string) => `${ca}\n${ca.slice(0, 200)}`],
])('a bundle that %s with a certificate that is cut off is told, and the last good one stays', async (_name, cut) => {
  const { folder, write, ca } = await written()
  const before = loadConfig(folder)
  write({ 'ca/ca.crt': cut(ca) })
  expect(loadConfig(folder, before)).toMatchObject({
    stale: new Map([['ca/ca.crt', expect.any(String)]]),
    files: before.files,
  })
  expect(() => loadConfig(folder)).toThrow('ca/ca.crt can not be used: one of its certificates does not stand whole')
})

const [first, second] = [rsaKey('r1'), ed25519Key('e1')]
const signed: RelayConfig = { ...config, signing: [signingWith('corp.test', [first, second])] }

test.each([
  ['that is none', 'garbage'],
  ['of another type', second.pem],
])('a signing key %s leaves the last good one in use, and is told', async (_name, text) => {
  const { folder, write } = await written()
  write({ 'relay.json': printConfig(signed), ...keyFiles([first, second]) })
  const before = loadConfig(folder)
  write({ [first.config.keyFile]: text })
  const after = loadConfig(folder, before)
  expect(after.files.get(first.config.keyFile)).toBe(first.pem)
  expect([...after.stale.keys()]).toEqual([first.config.keyFile])
  write({ [first.config.keyFile]: rsaKey('r1').pem })
  expect([...loadConfig(folder, after).stale.keys()]).toEqual([])
})

test('a signing key that is gone leaves the last good one in use, and is told', async () => {
  const { folder, write } = await written()
  write({ 'relay.json': printConfig(signed), ...keyFiles([first, second]) })
  const before = loadConfig(folder)
  rmSync(join(folder, first.config.keyFile))
  expect(loadConfig(folder, before)).toMatchObject({
    stale: new Map([[first.config.keyFile, expect.any(String)]]),
    files: before.files,
  })
})

test.each([
  ['never was there', {}],
  ['never was one', { [first.config.keyFile]: 'garbage' }],
])('a signing key that %s keeps no other domain from its configuration', async (_name, files) => {
  const { folder, write } = await written()
  write({ 'relay.json': printConfig(signed), ...keyFiles([second]), ...files })
  const loaded = loadConfig(folder)
  expect(loaded.config.signing).toEqual(signed.signing)
  expect([...loaded.stale.keys()]).toEqual([])
  write(keyFiles([first]))
  expect(sameConfig(loaded, loadConfig(folder, loaded)), 'the key is seen when it comes').toBe(false)
})
