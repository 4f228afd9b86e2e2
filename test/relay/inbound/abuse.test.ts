/** A client that takes more than its share is bounded, and costs the others little. */
import dns from 'node:dns'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createConnection } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect, test } from 'vitest'
import { banner, closers, logIn, reply, start, talk, whole } from './clients.ts'
import { MemorySpool } from './memory-spool.ts'
import { app, baseConfig, type UnderTest } from './submission-under-test.ts'

/** Guesses three times at the password of `app` in one session: the replies, or only the greeting where that was a refusal. */
async function guess(under: UnderTest, localAddress: string): Promise<string[]> {
  const port = under.port('submissions')
  const raw = createConnection({ host: '127.0.0.1', port, localAddress })
  const socket = connectTls({ socket: raw, servername: 'localhost', ca: under.ca })
  closers.push(() => void socket.destroy())
  socket.on('error', () => {})
  const greeting = await reply(socket)
  if (!greeting.startsWith('220')) return [greeting]
  const wrong = `AUTH PLAIN ${Buffer.from(`\0${app.username}\0wrong`).toString('base64')}`
  return (await talk(socket, 'EHLO x', wrong, wrong, wrong)).slice(1)
}

test('2,000 guesses at a password are each answered, and a client that is logged in does not wait a second meanwhile (case A10)', {
  timeout: 120_000,
}, async () => {
  const { under } = await start()
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  const addresses = Array.from({ length: 250 }, (_, i) => `127.1.0.${i + 1}`)
  let guessing = true
  const guesses = (async () => {
    const answers: string[] = []
    // Three sessions from each address: nine guesses, one fewer than lock an address out.
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < addresses.length; i += 25) {
        const at = addresses.slice(i, i + 25)
        answers.push(...(await Promise.all(at.map((address) => guess(under, address)))).flat())
      }
    }
    guessing = false
    return answers
  })()
  const waits: number[] = []
  while (guessing) {
    const since = performance.now()
    expect(await talk(socket, 'RCPT TO:<a@elsewhere.example>')).toEqual([expect.stringMatching(/^503 |^421 /)])
    waits.push(performance.now() - since)
    if (waits.length >= 9) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const answers = await guesses
  expect(answers).toHaveLength(2250)
  expect(answers.every((answer) => /^(535 5\.7\.8|421 4\.7\.0) /.test(answer))).toBe(true)
  expect(Math.max(...waits)).toBeLessThan(1000)
})

test('a client that never reads its replies is sent away after its hundred idle commands (case R03)', async () => {
  const { under } = await start()
  const { told } = under
  const [, socket] = await banner(under)
  socket.pause()
  for (let i = 0; i < 50; i++) socket.write('EHLO a.example\r\n'.repeat(1000))
  await expect.poll(() => told.filter((line) => line['rule'] === 'always.errors').length).toBe(1)
  expect(told.filter((line) => line.msg === 'refused')).toHaveLength(1)
  const said = whole(socket)
  socket.resume()
  const octets = await said
  expect(octets.length).toBeLessThan(65_536)
  expect(octets.toString().split('\r\n').at(-2)).toMatch(/^421 4\.7\.0 /)
})

test('a client that names the same recipient 20,000 times in one transaction is sent away after a thousand repetitions (case R05)', async () => {
  const { under } = await start()
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  expect(await talk(socket, 'MAIL FROM:<noreply@corp.example>')).toEqual([expect.stringMatching(/^250 /)])
  const said = whole(socket)
  socket.write('RCPT TO:<a@elsewhere.example>\r\n'.repeat(20_000))
  const replies = (await said).toString().trimEnd().split('\r\n')
  expect(replies.slice(0, -1).every((line) => line.startsWith('250 2.1.5 '))).toBe(true)
  expect(replies).toHaveLength(1002)
  expect(replies.at(-1)).toMatch(/^421 4\.7\.0 .*\(always\.errors\)$/)
})

test('2,000 clients that connect and go leave no file descriptor and no session behind (case R04)', async () => {
  const { under } = await start()
  const descriptors = (): number => readdirSync('/proc/self/fd').length
  await banner(under)
  const before = descriptors()
  for (let round = 0; round < 40; round++) {
    const clients = await Promise.all(Array.from({ length: 50 }, () => banner(under)))
    for (const [, socket] of clients) socket.destroy()
  }
  await expect.poll(() => under.submission.sessions).toBe(1)
  expect(descriptors()).toBeLessThanOrEqual(before + 5)
  expect((await banner(under))[0]).toMatch(/^220 /)
})

test('no DNS look-up is made before the greeting, which comes at once also with a resolver that never answers (case R17)', async () => {
  const before = dns.getServers()
  closers.push(() => dns.setServers(before))
  // No resolver answers there.
  dns.setServers(['127.9.9.9:9'])
  const { under } = await start(undefined, baseConfig)
  const since = performance.now()
  const [said] = await banner(under)
  expect(said).toMatch(/^220 /)
  expect(performance.now() - since).toBeLessThan(200)
})

test('a client that tries on and on while the disk is full has few lines in the log, is counted each time, and is sent away by a refusal for now (case S14)', async () => {
  const { under } = await start(Object.assign(new MemorySpool(), { fault: 'no space left', isFull: true }))
  const { told, metrics } = under
  const [, socket] = await banner(under, 'submissions')
  await logIn(socket)
  const since = performance.now()
  const said: string[] = []
  const hung = once(socket, 'close')
  socket.on('data', (octets: Buffer) => {
    said.push(...octets.toString().trimEnd().split('\r\n'))
    if (said.length % 3 === 0 && said.length < 600) sendAgain()
  })
  const sendAgain = () => socket.write('MAIL FROM:<a@corp.example>\r\nRCPT TO:<b@elsewhere.example>\r\nDATA\r\n')
  sendAgain()
  await hung
  expect(said.filter((line) => line.startsWith('452 4.3.1 '))).toHaveLength(99)
  expect(said.at(-1)).toMatch(/^421 4\.3\.1 .*\(queue\.storage\)$/)
  await expect.poll(() => told.at(-1)?.msg).toBe('more refusals without a line')
  const lines = told.filter((line) => line.msg === 'refused')
  // One message a second has log lines: those of its MAIL, RCPT and DATA.
  expect(lines.length).toBeLessThanOrEqual(3 * Math.ceil((performance.now() - since + 1) / 1000))
  const ofMail = lines.filter((line) => line['rule'] === 'queue.storage')
  expect(told.at(-1)).toMatchObject({ credential: 'apps/app', times: 100 - ofMail.length })
  const counted = await metrics.registry.getSingleMetricAsString('relayfleet_smtpd_messages_total')
  expect(counted).toMatch(/rule="queue.storage"\S* 100$/m)
})
