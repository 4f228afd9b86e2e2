/** A server listens at the address that it was given; where that is every address, on a machine without IPv6, at every one of IPv4. */
import { type AddressInfo, Server } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { listen } from '../../relay/listen.ts'

/** A server on a machine without IPv6. */
class WithoutIPv6 extends Server {
  override listen(...at: unknown[]): this {
    const [port, host] = at as [number, string]
    if (!host.includes(':')) return super.listen(port, host)
    const error = Object.assign(new Error(`listen EAFNOSUPPORT ${host}`), { code: 'EAFNOSUPPORT' })
    process.nextTick(() => this.emit('error', error))
    return this
  }
}

async function addressOf(server: Server, host: string): Promise<string> {
  onTestFinished(() => void server.close())
  await listen(server, { host, port: 0 })
  return (server.address() as AddressInfo).address
}

test.each<[string, Server, string, string]>([
  ['everywhere', new Server(), '::', '::'],
  ['everywhere on a machine without IPv6', new WithoutIPv6(), '::', '0.0.0.0'],
  ['at one address', new WithoutIPv6(), '127.0.0.1', '127.0.0.1'],
])('a server listens %s', async (_name, server, host, address) => {
  expect(await addressOf(server, host)).toBe(address)
})

test('one address of IPv6 on a machine without IPv6 is an error', async () => {
  await expect(addressOf(new WithoutIPv6(), '::1')).rejects.toThrow('EAFNOSUPPORT')
})
