/** Keys that sign, their DNS records, and the verdicts of an independent verifier on a message. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import type { SigningConfig, SigningKeyConfig } from '../../../relay/config.ts'

export type TestKey = {
  readonly config: SigningKeyConfig
  readonly pem: string
  /** The TXT record at `<selector>._domainkey.<domain>`. */
  readonly record: string
}

const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()

export function rsaKey(selector: string, modulusLength = 2048): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength })
  const p = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  return {
    config: { selector, algorithm: 'rsa-sha256', keyFile: `dkim/${selector}.pem` },
    pem: pemOf(privateKey),
    record: `v=DKIM1; k=rsa; p=${p}`,
  }
}

/** The record has only the 32 octets of the key (RFC 8463 section 4.2), which are the last ones of its DER form. */
export function ed25519Key(selector: string): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const p = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
  return {
    config: { selector, algorithm: 'ed25519-sha256', keyFile: `dkim/${selector}.pem` },
    pem: pemOf(privateKey),
    record: `v=DKIM1; k=ed25519; p=${p}`,
  }
}

export const signingWith = (
  domain: string,
  keys: readonly Pick<TestKey, 'config'>[],
  rest: Partial<SigningConfig> = {},
): SigningConfig => ({
  senderDomain: 'mail/corp',
  domain,
  whenBroken: 'Warn',
  keys: keys.map(({ config }) => config),
  ...rest,
})

export const keyFiles = (keys: readonly TestKey[]): Readonly<Record<string, string>> =>
  Object.fromEntries(keys.map(({ config, pem }) => [config.keyFile, pem]))

/** `selector algorithm result` for each signature on the message, from the top; `keys` are the domain's records. */
export async function verdicts(message: Buffer, domain: string, keys: readonly TestKey[]): Promise<readonly string[]> {
  const records = new Map(keys.map(({ config, record }) => [`${config.selector}._domainkey.${domain}`, record]))
  const { results } = await dkimVerify(message, {
    resolver: async (name) => {
      const record = records.get(name)
      if (record === undefined) throw Object.assign(new Error(`${name} is not there`), { code: 'ENOTFOUND' })
      return [[record]]
    },
  })
  return results.map(({ selector, algo, status }) => `${selector} ${algo} ${status.result}`)
}
