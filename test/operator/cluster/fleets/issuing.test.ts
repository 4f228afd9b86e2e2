/** While many certificates are issued, everything else still gets its turn. */
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createAuthority } from '../../../../operator/ca.ts'
import { Issuing } from '../../../../operator/cluster/fleets/issuing.ts'

const fleets = 60

test('between the certificates of two fleets other work has a turn, so that with hundreds of fleets the Lease is renewed in time (case K34)', async () => {
  const now = Date.now()
  const authority = await createAuthority(now)
  const issuing = new Issuing()
  const madeIn: number[] = []
  let round = 0
  const asked = Array.from({ length: fleets }, async (_, i) => {
    const hosts = [`fleet-${i}.mail.svc`]
    await issuing.secret(`mail/fleet-${i}`, `fleet-${i}-relay-tls`, hosts, undefined, authority, now)
    madeIn.push(round)
  })
  const all = Promise.all(asked).then(() => true)
  while (!(await Promise.race([all, turn(false)]))) round += 1
  expect(madeIn).toHaveLength(fleets)
  expect(new Set(madeIn).size, 'one in each round at most').toBe(fleets)
})

test('a certificate that can not be issued does not hold up another one', async () => {
  const now = Date.now()
  const authority = await createAuthority(now)
  const issuing = new Issuing()
  const [bad, good] = [{ certificate: 'none', key: 'none' }, authority].map((signer) =>
    issuing.secret('mail/shared', 'shared-relay-tls', ['shared.mail.svc'], undefined, signer, now),
  )
  await expect(bad).rejects.toThrow()
  expect(await good).toMatchObject({ kind: 'Secret' })
})
