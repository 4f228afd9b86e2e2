/** Three DKIM verifiers that others wrote, independently of each other: mailauth, dkimpy and opendkim. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestKey, verdicts } from '../relay/delivery/signing-keys.ts'
import { programFile, python } from './programs.ts'

/** Messages in files, and the keys that should have signed them for `domain`; the signature of the first key is on top. */
export type Signed = { readonly files: readonly string[]; readonly domain: string; readonly keys: readonly TestKey[] }

/** Returns, for each file, the selectors whose signatures are good, from the top. */
export type Verifier = (signed: Signed, folder: string) => Promise<readonly (readonly string[])[]>

const recordsOf = ({ domain, keys }: Signed): readonly (readonly [string, string])[] =>
  keys.map(({ config, record }) => [`${config.selector}._domainkey.${domain}`, record])

const mailauth: Verifier = ({ files, domain, keys }) =>
  Promise.all(
    files.map(async (file) =>
      (await verdicts(readFileSync(file), domain, keys)).flatMap(
        (verdict) => /^(\S+) \S+ pass$/.exec(verdict)?.[1] ?? [],
      ),
    ),
  )

const dkimpy: Verifier = async (signed, folder) => {
  const records = join(folder, 'records.json')
  writeFileSync(records, JSON.stringify(Object.fromEntries(recordsOf(signed))))
  const script = join(import.meta.dirname, 'verify-dkim.py')
  const told = run(python, [script, records, `${signed.keys.length}`], signed.files.join('\n'))
  return told
    .trim()
    .split('\n')
    .map((line) =>
      (JSON.parse(line) as unknown[]).flatMap((good, i) =>
        good === true ? (signed.keys[i]?.config.selector ?? []) : [],
      ),
    )
}

/** The verdicts of opendkim are in the Authentication-Results field that it would add. */
const opendkim: Verifier = async (signed, folder) => {
  const [records, config] = [join(folder, 'records.txt'), join(folder, 'opendkim.conf')]
  writeFileSync(
    records,
    recordsOf(signed)
      .map((pair) => `${pair.join(' ')}\n`)
      .join(''),
  )
  writeFileSync(config, `Mode v\nSyslog no\nTestDNSData file:${records}\n`)
  const told = run(programFile('opendkim') ?? 'opendkim', ['-x', config, '-vv', '-t', signed.files.join(',')])
  const good = new RegExp(`dkim=pass [^;]*header\\.d=${signed.domain} [^;]*header\\.s=(\\S+)`, 'g')
  return told
    .split("### INSHEADER: idx=0 hname='Authentication-Results'")
    .slice(1)
    .map((results) => [...results.matchAll(good)].map(([, selector = '']) => selector))
}

function run(program: string, args: readonly string[], input = ''): string {
  const { stdout, stderr, status } = spawnSync(program, args, { input, encoding: 'latin1', maxBuffer: 1 << 28 })
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr.slice(-1000)}`)
  return stdout
}

export const verifiers: readonly (readonly [string, Verifier])[] = Object.entries({ mailauth, dkimpy, opendkim })
