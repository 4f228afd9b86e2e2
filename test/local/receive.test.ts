/** For trying a fleet out, `submit` needs nothing but a binding folder, and `receive` stands in for the next hop. */
import { type ChildProcess, spawn } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commanded } from '../operator/cli/commanded.ts'
import { cli } from '../shipped.ts'
import { plainReceiver, routeTo, smallFleet } from './documents.ts'
import type { Fleet } from './fleet.ts'
import { freePort } from './free-port.ts'
import { end } from './receiver.ts'
import { openStage, type Stage } from './stage.ts'
import { temporaryFolder } from './temporary.ts'
import { until } from './until.ts'

describe('submit and receive', () => {
  let stage: Stage
  let fleet: Fleet
  let receiver: ChildProcess
  let printed = ''
  beforeAll(async () => {
    stage = openStage()
    const port = await freePort()
    printed = join(stage.folder, 'receive.log')
    const out = openSync(printed, 'a')
    receiver = spawn(process.execPath, [cli, 'receive', `--listen=127.0.0.1:${port}`, '-o', 'json'], {
      stdio: ['ignore', out, out],
    })
    await until('receive listens', () => readFileSync(printed, 'utf8').includes(`receiving at 127.0.0.1:${port}`))
    fleet = await stage.fleet(await smallFleet({ routes: [routeTo(plainReceiver(port))] }))
  })
  afterAll(async () => {
    await end(receiver)
    await stage.close()
  })

  const submit = (from: string) =>
    commanded(
      'submit',
      `--binding=${join(fleet.folder, 'state/mail/secrets/app')}`,
      `--from=${from}`,
      '--to=you@example.net',
      '--subject=Your order',
    )

  test('what submit sends, receive prints', async () => {
    const { code, out } = await submit('orders@corp.test')
    expect(code).toBe(0)
    expect(out).toMatch(/^ACCEPTED {2}250 2\.0\.0 queued as /m)
    expect(out).not.toContain(fleet.binding('app').login.password)
    const line = await until('the message arrives', () => /^{.*}$/m.exec(readFileSync(printed, 'utf8'))?.[0])
    expect(JSON.parse(line)).toMatchObject({
      client: '127.0.0.1',
      reversePath: 'orders@corp.test',
      forwardPaths: ['you@example.net'],
      content: expect.stringContaining('\r\nSubject: Your order\r\n'),
    })
  })

  test('submit prints a refusal, and ends with exit code 1', async () => {
    const { code, out } = await submit('ceo@elsewhere.example')
    expect(code).toBe(1)
    expect(out).toMatch(/^REFUSED {2}at MAIL FROM: 550 /m)
  })

  test('submit says that a folder is no whole binding, and ends with exit code 2', async () => {
    const { code, err } = await commanded('submit', '--binding', temporaryFolder(), '--from=a@b.test', '--to=c@d.test')
    expect(code).toBe(2)
    expect(err).toContain('mount the binding Secret of a RelayCredential')
  })

  test('receive ends with exit code 0 when it is asked to', async () => {
    await end(receiver)
    expect(receiver.exitCode).toBe(0)
  })
})
