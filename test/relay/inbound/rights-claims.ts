/** By what a client may say who it is: passwords, tokens and certificates, good and bad, as AUTH has them on the wire. */
import fc from 'fast-check'
import { certify, dns, makeAuthority, type Shown } from '../../client-certificates.ts'
import { claims, signed } from '../tokens.ts'
import {
  type Authority,
  type IssuerKey,
  issuerKeys,
  minuteMs,
  type Name,
  names,
  passwords,
  startsAt,
} from './rights-world.ts'

/** A token of the issuer. `isForUs`: for our audience. It counts from `startsAt` on, with half a minute for wrong clocks at each end. */
export type TokenFacts = {
  readonly key: IssuerKey
  readonly account: string
  readonly until: number
  readonly isForUs: boolean
}
export type Secret = { readonly password: string } | { readonly token: TokenFacts }
export type Claim =
  | { readonly by: 'PLAIN' | 'LOGIN' | 'OAUTHBEARER'; readonly username: string; readonly secret: Secret }
  | { readonly by: 'EXTERNAL'; readonly username: string }
  | { readonly by: 'XOAUTH2' }

/** A certificate of a client. */
export type CertificateFacts = {
  readonly authority: Authority
  readonly names: readonly string[]
  readonly until: number
}
const [device, printer] = ['device.corp.example', 'printer.corp.example']
const longMs = startsAt + 48 * 60 * minuteMs
const certificates = {
  device: { authority: 'own', names: [device], until: longMs },
  printer: { authority: 'own', names: [printer], until: longMs },
  both: { authority: 'own', names: [device, printer], until: longMs },
  nobody: { authority: 'own', names: ['nobody.corp.example'], until: longMs },
  foreign: { authority: 'other', names: [device], until: longMs },
  brief: { authority: 'own', names: [device], until: startsAt + 15 * minuteMs },
} as const satisfies Readonly<Record<string, CertificateFacts>>
export type CertificateName = keyof typeof certificates
export const factsOf = (name: CertificateName): CertificateFacts => {
  const { authority, names: written, until } = certificates[name]
  return { authority, names: written.map((one) => `DNS:${one}`), until }
}

const hourMs = 60 * minuteMs
async function makeCertificates() {
  const authorities = {
    own: await makeAuthority('Own', undefined, undefined, 200),
    other: await makeAuthority('Other', undefined, undefined, 200),
  }
  const made = await Promise.all(
    Object.entries(certificates).map(async ([name, { authority, names: written, until }]) => {
      const notAfter = (until + 500 - Date.now()) / hourMs // which is cut to whole seconds
      return [name, await certify(authorities[authority], written.map(dns), { notAfter })] as const
    }),
  )
  const shown = Object.fromEntries(made) as Readonly<Record<CertificateName, Shown>>
  return { shown, pem: { own: authorities.own.pem, other: authorities.other.pem } }
}
let made: ReturnType<typeof makeCertificates> | undefined
export const clientsOfRights = () => (made ??= makeCertificates())

const tokenText = ({ key, account, until, isForUs }: TokenFacts): string => {
  const [namespace, name] = account.split('/')
  const now = startsAt / 1000
  const sub = `system:serviceaccount:${namespace}:${name}`
  const over = { sub, exp: until / 1000, 'kubernetes.io': { namespace, serviceaccount: { name } } }
  return signed(issuerKeys[key], claims({ ...over, ...(!isForUs && { aud: ['other'] }) }, now))
}
const signedBefore = new Map<string, string>()
/** Signed once for all stories. */
function textOf(secret: Secret): string {
  if ('password' in secret) return secret.password
  const key = JSON.stringify(secret.token)
  const text = signedBefore.get(key) ?? tokenText(secret.token)
  signedBefore.set(key, text)
  return text
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')
/** The lines of a login; those after the first one answer challenges. */
export function linesOf(claim: Claim): readonly [string, ...string[]] {
  switch (claim.by) {
    case 'PLAIN':
      return [`AUTH PLAIN ${base64(`\0${claim.username}\0${textOf(claim.secret)}`)}`]
    case 'LOGIN':
      return [`AUTH LOGIN ${base64(claim.username)}`, base64(textOf(claim.secret))]
    case 'OAUTHBEARER':
      return [`AUTH OAUTHBEARER ${base64(`n,a=${claim.username},\x01auth=Bearer ${textOf(claim.secret)}\x01\x01`)}`]
    case 'EXTERNAL':
      return [`AUTH EXTERNAL ${claim.username === '' ? '=' : base64(claim.username)}`]
    case 'XOAUTH2':
      return [`AUTH XOAUTH2 ${base64('user=web\x01auth=Bearer x\x01\x01')}`]
  }
}

const password = fc
  .constantFrom(passwords[0], passwords[0], passwords[0], passwords[1], 'wrong')
  .map((one) => ({ password: one }))
const goodToken: TokenFacts = { key: 'first', account: 'apps/web', until: startsAt + 60 * minuteMs, isForUs: true }
const token = fc
  .oneof(
    { weight: 4, arbitrary: fc.constant<Partial<TokenFacts>>({}) },
    fc.constantFrom<Partial<TokenFacts>>(
      ...([{ key: 'second' }, { key: 'third' }, { account: 'apps/other' }, { isForUs: false }] as const),
      { until: startsAt + 3 * minuteMs },
    ),
  )
  .map((over) => ({ token: { ...goodToken, ...over } }))
const bySecret = (by: 'PLAIN' | 'LOGIN' | 'OAUTHBEARER', username: string, secret: fc.Arbitrary<Secret>) =>
  secret.map((one) => ({ by, username, secret: one }) as const)
const anybody = fc.constantFrom<string>(...names, 'nobody')
const anySecret = fc.oneof<fc.Arbitrary<Secret>[]>(password, token)

/** What a client is made with; one without logins never says AUTH. */
export type Identity = {
  readonly certificate: CertificateName | undefined
  readonly logins: readonly Claim[]
  /** Whose mail it means to send. */
  readonly as: Name
}
const alone = (as: Name, login: fc.Arbitrary<Claim>): fc.Arbitrary<Identity> =>
  login.map((one) => ({ as, certificate: undefined, logins: [one] }))
const usual: fc.Arbitrary<Identity> = fc.oneof(
  alone('app', bySecret('PLAIN', 'app', fc.constant({ password: passwords[0] }))),
  alone('app', bySecret('LOGIN', 'app', password)),
  alone('other', bySecret('PLAIN', 'other', password)),
  alone('web', bySecret('PLAIN', 'web', token)),
  alone('web', bySecret('OAUTHBEARER', 'web', token)),
  fc.constantFrom<Identity>(
    { as: 'device', certificate: 'device', logins: [] },
    { as: 'device', certificate: 'device', logins: [{ by: 'EXTERNAL', username: '' }] },
    { as: 'device', certificate: 'brief', logins: [{ by: 'EXTERNAL', username: 'device' }] },
    { as: 'printer', certificate: 'both', logins: [{ by: 'EXTERNAL', username: 'printer' }] },
    { as: 'printer', certificate: 'printer', logins: [] },
  ),
)
const anyClaim: fc.Arbitrary<Claim> = fc.oneof(
  ...(['PLAIN', 'LOGIN', 'OAUTHBEARER'] as const).map((by) =>
    fc.tuple(anybody, anySecret).map(([username, secret]) => ({ by, username, secret }) as const),
  ),
  anybody.map((username) => ({ by: 'EXTERNAL', username }) as const),
  fc.constant({ by: 'EXTERNAL', username: '' } as const),
  fc.constant({ by: 'XOAUTH2' } as const),
)
const odd: fc.Arbitrary<Identity> = fc.record({
  as: fc.constantFrom(...names),
  certificate: fc.option(fc.constantFrom(...(Object.keys(certificates) as CertificateName[])), { nil: undefined }),
  logins: fc.array(anyClaim, { maxLength: 3 }),
})
export const identity = fc.oneof({ weight: 3, arbitrary: usual }, { weight: 1, arbitrary: odd })
