/** A candidate for the Lease in a process of its own, so that it can be stopped and killed; prints when it may write. */
import { setTimeout as wait } from 'node:timers/promises'
import { openApi } from '../../operator/cluster/api/api.ts'
import { connectionFromFile } from '../../operator/cluster/api/connection.ts'
import { Election } from '../../operator/cluster/lead/election.ts'
import type { Terms } from '../../operator/cluster/lead/lease-record.ts'

const [kubeconfig = '', namespace = '', identity = '', terms = ''] = process.argv.slice(2)
const ending = new AbortController()
const election = new Election({
  api: openApi(connectionFromFile(kubeconfig)),
  namespace,
  name: 'operator',
  identity,
  changed: () => undefined,
  terms: JSON.parse(terms) as Terms,
})
process.once('SIGTERM', () => ending.abort())
process.stdin.on('end', () => process.exit(1)).resume()

async function writeWhileAllowed(): Promise<void> {
  while (!ending.signal.aborted) {
    if (election.writable()) process.stdout.write(`${Date.now()}\n`)
    await wait(5)
  }
}

process.stdout.write('started\n')
await Promise.all([election.run(ending.signal), writeWhileAllowed()])
process.exit(0)
