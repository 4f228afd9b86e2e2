/** A receiver that others wrote, aiosmtpd, gets every octet of a content, be it small or large. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../local/until.ts'
import { oneSmarthost, rig } from './rig.ts'
import { contentOf, envelope } from './samples.ts'

const receiver = `
import asyncio, hashlib, sys
from aiosmtpd.smtp import SMTP

class Handler:
    async def handle_DATA(self, server, session, envelope):
        print(envelope.mail_from, ','.join(envelope.rcpt_tos), hashlib.sha256(envelope.original_content).hexdigest(), flush=True)
        return '250 2.0.0 queued'

async def main():
    loop = asyncio.get_running_loop()
    make = lambda: SMTP(Handler(), enable_SMTPUTF8=True, data_size_limit=50_000_000, decode_data=False)
    server = await loop.create_server(make, '127.0.0.1', 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
`

async function startAiosmtpd() {
  const child = spawn('/usr/bin/python3', ['-c', receiver], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill())
  const lines: string[] = []
  const reader = createInterface(child.stdout)
  const [port] = await once(reader, 'line')
  reader.on('line', (line) => lines.push(line))
  return { port: Number(port), lines }
}

const sha256 = async (octets: Buffer): Promise<string> => {
  const { createHash } = await import('node:crypto')
  return createHash('sha256').update(octets).digest('hex')
}

test('contents of every size arrive unchanged at aiosmtpd', async () => {
  const { port, lines } = await startAiosmtpd()
  const { spool } = rig(oneSmarthost(port))
  const header = 'From: <app@corp.test>\r\n\r\n'
  const contents = [
    Buffer.from(`${header}x\r\n`),
    Buffer.from(`${header}.\r\n..\r\n.x\r\n\r\n.\r\n`),
    Buffer.from(`${header}n\u00e4h\r\n`),
    contentOf(65_535),
    contentOf(65_537),
    contentOf(3_000_000),
  ]
  for (const [i, content] of contents.entries()) {
    spool.put(envelope(content, { forwardPaths: [`u${i}@x.test`, 'v@x.test'] }), content)
  }
  await until('all are received', () => lines.length === contents.length)
  const expected = await Promise.all(
    contents.map(async (c, i) => `app@corp.test u${i}@x.test,v@x.test ${await sha256(c)}`),
  )
  expect(lines.toSorted()).toEqual(expected.toSorted())
  await until('nothing is left', () => spool.stored.size === 0)
})
