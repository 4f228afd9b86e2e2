/** Plain configurations and messages for tests of delivery. */
import type { LoadedConfig, RelayConfig, RouteConfig, SmarthostConfig } from '../../../relay/config.ts'
import type { Envelope } from '../../../relay/mail/envelope.ts'
import { policy } from '../policy.ts'

export const smarthost = (name: string, port: number, rest: Partial<SmarthostConfig> = {}): SmarthostConfig => ({
  name,
  host: '127.0.0.1',
  port,
  tls: { mode: 'Disabled' },
  priority: 0,
  maxConnections: 20,
  ...rest,
})

export const route = (
  name: string,
  smarthosts: readonly SmarthostConfig[],
  rest: Partial<RouteConfig> = {},
): RouteConfig => ({
  name,
  smarthosts,
  retry: { scheduleMs: [3_600_000], expireAfterMs: 86_400_000 },
  ...rest,
})

export function loadedWith(
  routes: readonly RouteConfig[],
  rest: Partial<RelayConfig> = {},
  files: Readonly<Record<string, string>> = {},
): LoadedConfig {
  const config = policy({
    routes,
    queue: { maxBytes: 1e9, maxAgeMs: 600_000 },
    evidence: { addresses: 'Clear' },
    ...rest,
  })
  return { config, hash: 'sha256:0', files: new Map(Object.entries(files)) }
}

let counter = 0

/** A message accepted now, from app@corp.test to one recipient, with a queue id of its own. */
export function envelope(content: Buffer, rest: Partial<Envelope> = {}): Envelope {
  counter += 1
  return {
    queueId: `q${counter.toString().padStart(14, '0')}`,
    acceptedAt: Date.now(),
    credential: 'team-a/web',
    reversePath: 'app@corp.test',
    forwardPaths: ['user@example.net'],
    disposition: 'relay',
    fromDomain: 'corp.test',
    client: { address: '127.0.0.1', helo: 'client', tls: 'TLSv1.3' },
    body: '7BIT',
    smtpUtf8: false,
    bytes: content.length,
    ...rest,
  }
}

export const hello: Buffer = Buffer.from(
  'Received: by relay.example.org\r\nFrom: <app@corp.test>\r\nMessage-ID: <1@corp.test>\r\nSubject: x\r\n\r\nhello\r\n.dot\r\n',
)

/** A message of exactly so many octets: a header, and a body of lines. */
export function contentOf(octets: number): Buffer {
  const header = 'From: <app@corp.test>\r\nSubject: large\r\n\r\n'
  const line = `${'x'.repeat(76)}\r\n`
  return Buffer.from(
    (header + line.repeat(Math.ceil(octets / line.length)))
      .slice(0, octets - 2)
      .replace(/[\r\n]$/, 'x')
      .concat('\r\n'),
  )
}
