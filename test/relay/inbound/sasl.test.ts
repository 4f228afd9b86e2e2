/** Logins by the SASL mechanisms PLAIN, LOGIN and EXTERNAL are read line by line, and malformed ones refused. */
import { expect, test } from 'vitest'
import { beginSasl, mechanismIn, mechanismsOffered, type SaslStep } from '../../../relay/inbound/sasl.ts'

const b64 = (text: string): string => Buffer.from(text).toString('base64')

/** The last step of a login in which the client sends these lines. */
function run(first: string, ...lines: readonly string[]): SaslStep {
  let step = beginSasl(first)
  for (const line of lines) {
    if (step.kind !== 'challenge') throw new Error(`ended early: ${JSON.stringify(step)}`)
    step = step.next(line)
  }
  return step
}
const proves = (mechanism: string) => ({ kind: 'credentials', mechanism, username: 'app', secret: 'secret' })
const refuses = (code: number, status: string) => ({ kind: 'refused', refusal: { reply: { code, status } } })

test.each([
  ['PLAIN at once', [`AUTH PLAIN ${b64('\0app\0secret')}`], proves('PLAIN')],
  ['PLAIN in two lines', ['AUTH PLAIN', b64('\0app\0secret')], proves('PLAIN')],
  ['PLAIN on behalf of itself', [`auth plain ${b64('app\0app\0secret')}`], proves('PLAIN')],
  ['LOGIN', ['AUTH LOGIN', b64('app'), b64('secret')], proves('LOGIN')],
  ['LOGIN with the username', [`AUTH LOGIN ${b64('app')}`, b64('secret')], proves('LOGIN')],
  ['PLAIN behind more spaces than one', [`AUTH  PLAIN   ${b64('\0app\0secret')}  `], proves('PLAIN')],
  ['LOGIN with a password that is no base64', ['AUTH LOGIN', b64('app'), 'secret'], refuses(501, '5.5.2')],
  ['PLAIN on behalf of another', [`AUTH PLAIN ${b64('root\0app\0secret')}`], refuses(535, '5.7.8')],
  ['PLAIN of one part', [`AUTH PLAIN ${b64('app')}`], refuses(501, '5.5.2')],
  ['PLAIN of two parts', [`AUTH PLAIN ${b64('app\0secret')}`], refuses(501, '5.5.2')],
  ['PLAIN of four parts', [`AUTH PLAIN ${b64('\0app\0secret\0')}`], refuses(501, '5.5.2')],
  ['PLAIN without a username', [`AUTH PLAIN ${b64('\0\0secret')}`], refuses(501, '5.5.2')],
  ['a line feed in the username', [`AUTH PLAIN ${b64('\0a\np\0secret')}`], refuses(501, '5.5.2')],
  ['an empty initial response', ['AUTH PLAIN ='], refuses(501, '5.5.2')],
  ['no base64', ['AUTH PLAIN AAA'], refuses(501, '5.5.2')],
  ['base64 in the alphabet for URLs', ['AUTH PLAIN', 'AGFwcABzZWNyZXQ_'], refuses(501, '5.5.2')],
  ['too many words', [`AUTH PLAIN ${b64('\0app\0secret')} more`], refuses(501, '5.5.2')],
  ['LOGIN without a username', ['AUTH LOGIN', ''], refuses(501, '5.5.2')],
  ['a login that is given up', ['AUTH PLAIN', '*'], refuses(501, '5.7.0')],
  ['a login that is given up at the password', ['AUTH LOGIN', b64('app'), '*'], refuses(501, '5.7.0')],
  ['CRAM-MD5', ['AUTH CRAM-MD5'], refuses(504, '5.5.4')],
  ['no mechanism', ['AUTH'], refuses(501, '5.5.4')],
] as const)('a login is read, or refused: %s', (_name, lines, expected) => {
  const [first, ...more] = lines
  expect(run(first, ...more)).toMatchObject(expected)
})

test.each([
  ['passwords alone', {}, ['PLAIN', 'LOGIN']],
  ['tokens, too', { tokens: true }, ['PLAIN', 'LOGIN', 'OAUTHBEARER']],
  ['a certificate, too', { certificate: true }, ['PLAIN', 'LOGIN', 'EXTERNAL']],
  ['all of them', { tokens: true, certificate: true }, ['PLAIN', 'LOGIN', 'OAUTHBEARER', 'EXTERNAL']],
] as const)('only mechanisms that could succeed are offered and taken: %s', (_name, takes, offered) => {
  expect(mechanismsOffered(takes)).toEqual(offered)
  const taken = ['PLAIN', 'LOGIN', 'OAUTHBEARER', 'EXTERNAL'].filter(
    (name) => beginSasl(`AUTH ${name}`, takes).kind === 'challenge',
  )
  expect(taken).toEqual(offered)
})

const external = (username: string) => ({ kind: 'external', mechanism: 'EXTERNAL', username })

test.each([
  ['at once, for the credential that the certificate names', ['AUTH EXTERNAL ='], external('')],
  ['at once, for a name', [`auth external ${b64('app')}`], external('app')],
  ['in two lines', ['AUTH EXTERNAL', ''], external('')],
  ['in two lines, for a name', ['AUTH EXTERNAL', b64('app')], external('app')],
  ['with a line feed in the name', [`AUTH EXTERNAL ${b64('a\np')}`], refuses(501, '5.5.2')],
  ['without base64', ['AUTH EXTERNAL app!'], refuses(501, '5.5.2')],
  ['with = in the second line', ['AUTH EXTERNAL', '='], refuses(501, '5.5.2')],
  ['given up', ['AUTH EXTERNAL', '*'], refuses(501, '5.7.0')],
] as const)('EXTERNAL %s', (_name, [first, ...more], expected) => {
  let step = beginSasl(first, { certificate: true })
  for (const line of more) step = step.kind === 'challenge' ? step.next(line) : step
  expect(step).toMatchObject(expected)
})

test('EXTERNAL is refused where no certificate is asked for', () => {
  expect(beginSasl('AUTH EXTERNAL =')).toMatchObject(refuses(504, '5.5.4'))
})

test('the challenges of LOGIN and PLAIN are those that every client knows', () => {
  expect(beginSasl('AUTH LOGIN')).toMatchObject({ challenge: b64('Username:') })
  expect(run('AUTH LOGIN', b64('app'))).toMatchObject({ challenge: b64('Password:') })
  expect(beginSasl('AUTH PLAIN')).toMatchObject({ challenge: '' })
})

test('all unknown mechanisms have one label in the metrics, whatever they are called', () => {
  expect(['AUTH plain x', 'AUTH Login', 'AUTH GSSAPI', 'AUTH'].map(mechanismIn)).toEqual([
    'PLAIN',
    'LOGIN',
    'other',
    'other',
  ])
})
