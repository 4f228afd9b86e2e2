/** Clients that others wrote submit by a client certificate in place of a password: openssl, swaks, nodemailer and Postfix. */
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientCertificates, type Shown } from '../client-certificates.ts'
import { configMap, credential, smallFleet } from './documents.ts'
import type { Fleet } from './fleet.ts'
import { freePort } from './free-port.ts'
import { startPostfixClient } from './postfix-client.ts'
import { installed, programFile } from './programs.ts'
import { openStage, type Stage } from './stage.ts'
import { until } from './until.ts'

const from = 'device@corp.test'
const raw = (subject: string): string => `From: ${from}\r\nTo: you@example.net\r\nSubject: ${subject}\r\n\r\nhello\r\n`

describe.runIf(installed('openssl', 'swaks', 'postfix'))('a client with a client certificate', () => {
  let stage: Stage
  let fleet: Fleet
  let ca: string
  let authorities: Awaited<ReturnType<typeof clientCertificates>>['authorities']
  let shown: Awaited<ReturnType<typeof clientCertificates>>['shown']
  let mutual: number

  const device = (more: object = {}) =>
    credential('device', {
      type: 'ClientCertificate',
      clientCertificate: {
        caRef: { name: 'clients' },
        subjectAltNames: { uris: ['spiffe://corp.example/web'] },
      },
      ...more,
    })

  beforeAll(async () => {
    ;({ authorities, shown } = await clientCertificates())
    stage = openStage()
    const submission = await freePort()
    mutual = await freePort()
    const listeners = [
      { name: 'submission', port: submission, clientCertificates: { mode: 'Optional', caRef: { name: 'clients' } } },
      {
        name: 'mutual',
        port: mutual,
        tls: { mode: 'Implicit' },
        clientCertificates: { mode: 'Required', caRef: { name: 'clients' } },
      },
    ]
    fleet = await stage.fleet([
      configMap('clients', { 'ca.crt': authorities.authority.pem }),
      ...(await smallFleet({ listeners }, 'NonProduction')),
      device(),
    ])
    await until(
      'the credential is ready',
      () => fleet.condition('RelayCredential mail/device', 'Ready')?.status === 'True',
    )
    ca = fleet.binding('app').ca ?? ''
  })
  afterAll(() => stage.close())

  const files = (name: string, certificate: Shown): { cert: string; key: string; ca: string } => {
    const folder = join(stage.folder, `files-${name}`)
    mkdirSync(folder, { recursive: true })
    const at = (file: string, text: string): string => {
      writeFileSync(join(folder, file), text)
      return join(folder, file)
    }
    return { cert: at('client.crt', certificate.cert), key: at('client.key', certificate.key), ca: at('ca.crt', ca) }
  }

  /** Runs `openssl s_client` as a person would: writes each line when a reply has come, and returns what was printed. */
  const openssl = (port: number, certificate: Shown | undefined, ...lines: readonly string[]): Promise<string> => {
    const at = certificate && files('openssl', certificate)
    const own = at ? ['-cert', at.cert, '-key', at.key, '-cert_chain', at.cert] : []
    const starttls = port === mutual ? [] : ['-starttls', 'smtp']
    const args = ['s_client', '-connect', `127.0.0.1:${port}`, ...starttls, '-quiet', '-crlf', ...own]
    const child = spawn(programFile('openssl') ?? 'openssl', args, { stdio: ['pipe', 'pipe', 'ignore'] })
    child.stdin.on('error', () => {})
    return new Promise((resolve) => {
      let said = ''
      const left = [...lines]
      const sayNext = (): void => void child.stdin.write(`${left.shift() ?? 'QUIT'}\n`)
      // With STARTTLS, openssl prints nothing of what came before TLS, so there is no greeting to wait for.
      if (starttls.length > 0) sayNext()
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString()
        if (/(?:^|\r\n)\d{3} [^\r\n]*\r\n$/.test(said)) sayNext()
      })
      child.once('close', () => resolve(said))
    })
  }

  /** The line of the log of the message that was accepted with this reply. */
  const accepted = (reply: string): Promise<{ readonly credential: string }> => {
    const [, queueId = ''] = /queued as (\w+)/.exec(reply) ?? []
    return until('the relay has logged the message', () =>
      fleet
        .log()
        .split('\n')
        // The last one may lack its end.
        .slice(0, -1)
        .filter((line) => line.includes('"msg":"accepted"'))
        .map((line) => JSON.parse(line) as { queueId: string; credential: string })
        .find((line) => line.queueId === queueId),
    )
  }

  test('openssl logs in by AUTH EXTERNAL, on a listener with STARTTLS and on one with implicit TLS', async () => {
    const session = ['EHLO device.test', 'AUTH EXTERNAL =', `MAIL FROM:<${from}>`]
    for (const port of [fleet.binding('app').port, mutual]) {
      const said = await openssl(port, shown.device, ...session)
      expect(said).toMatch(/^235 2\.7\.0 authenticated\r\n250 2\.1\.0 /m)
    }
    expect(await openssl(mutual, shown.chain, ...session)).toMatch(/^235 /m)
  })

  test('openssl is told why it is refused: its certificate has expired, or it showed none', async () => {
    const { port } = fleet.binding('app')
    const session = ['EHLO device.test', 'AUTH EXTERNAL =']
    expect(await openssl(port, shown.expired, ...session)).toContain('535 5.7.8 the client certificate has expired')
    expect(await openssl(port, undefined, ...session)).toContain('and none was shown (always.clientCertificate)')
    expect(await openssl(mutual, undefined)).toMatch(/^554 5\.7\.0 .*\(listeners\.clientCertificates\)/)
  })

  test('swaks submits by its certificate alone, without AUTH', async () => {
    const at = files('swaks', shown.device)
    const tls = ['--tls', '--tls-verify', '--tls-ca-path', at.ca, '--tls-cert', at.cert, '--tls-key', at.key]
    const mail = ['--server', `localhost:${fleet.binding('app').port}`, '--from', from, '--to', 'you@example.net']
    const transcript = await new Promise<string>((resolve) => {
      execFile(programFile('swaks') ?? 'swaks', [...tls, ...mail], (_, stdout) => resolve(stdout))
    })
    expect(transcript).toMatch(/^<~ {2}250 2\.0\.0 queued as /m)
    expect(await accepted(transcript)).toMatchObject({ credential: 'mail/device' })
  })

  test('nodemailer submits by its certificate alone, without AUTH', async () => {
    const transport = createTransport({
      host: 'localhost',
      port: mutual,
      secure: true,
      tls: { ca, ...shown.device },
    })
    const { response } = await transport.sendMail({ envelope: { from, to: 'you@example.net' }, raw: raw('nodemailer') })
    expect(response).toMatch(/^250 2\.0\.0 queued as /)
    transport.close()
    expect(await accepted(response)).toMatchObject({ credential: 'mail/device' })
  })

  test('Postfix submits the mail of its machine by its certificate alone, without AUTH', async () => {
    // Postfix's own users have to be able to enter the folder, which they are not in the stage's.
    const folder = mkdtempSync(join(tmpdir(), 'relayfleet-postfix-'))
    const relay = { host: '127.0.0.1', port: fleet.binding('app').port, ca }
    const postfix = await startPostfixClient(folder, { relay, origin: 'corp.test', certificate: shown.chain })
    try {
      const transport = createTransport({ host: '127.0.0.1', port: postfix.port, ignoreTLS: true })
      await transport.sendMail({ envelope: { from, to: 'you@example.net' }, raw: raw('Postfix') })
      const sent = await until('Postfix has sent the message', () => /status=.*(?=\n)/.exec(postfix.log())?.[0])
      expect(sent).toMatch(/^status=sent \(250 2\.0\.0 queued as /)
      expect(await accepted(sent)).toMatchObject({ credential: 'mail/device' })
      // The From field of mail from cron has no domain, and a name in a comment.
      const job = raw('of cron').replace(/^From: .*$/m, 'From: root (Cron Daemon)')
      await transport.sendMail({ envelope: { from, to: 'root@example.net' }, raw: job })
      const told = await until(
        'Postfix has sent the mail from cron',
        () => /to=<root@.* status=.*(?=\n)/.exec(postfix.log())?.[0],
      )
      expect(told).toMatch(/status=sent \(250 2\.0\.0 queued as /)
      // What the relay refuses, Postfix returns to the sender in a bounce of its own, which goes through the relay, too.
      const foreign = raw('not ours').replace(from, 'app@elsewhere.test')
      await transport.sendMail({ envelope: { from, to: 'you@example.net' }, raw: foreign })
      const bounce = await until(
        'Postfix has sent its bounce',
        () => new RegExp(`to=<${from}>.* status=.*(?=\\n)`).exec(postfix.log())?.[0],
      )
      expect(bounce).toMatch(/status=sent \(250 2\.0\.0 queued as /)
    } finally {
      await postfix.stop()
      rmSync(folder, { recursive: true })
    }
  })

  test('suspending a credential and replacing its authority take effect without a restart of the relay', async () => {
    const { port } = fleet.binding('app')
    const pid = fleet.pid()
    const external = (certificate: Shown) => openssl(port, certificate, 'EHLO device.test', 'AUTH EXTERNAL =')
    fleet.write(device({ suspended: true }))
    await until('the suspended credential is refused', async () =>
      (await external(shown.device)).includes('(credential.suspended)'),
    )
    fleet.write(device())
    await until('the resumed credential is accepted', async () => (await external(shown.device)).includes('235 2.7.0'))
    fleet.write(configMap('clients', { 'ca.crt': authorities.other.pem }))
    await until('a certificate of the other authority is accepted', async () =>
      (await external(shown.other)).includes('235 2.7.0'),
    )
    expect(await external(shown.device)).toContain('not of an authority that this listener takes')
    expect(fleet.pid()).toBe(pid)
  })
})
