/** Random specs of the three kinds; some do not fit anything else that is declared, and the API server refuses some. */
import type { Dice } from '../faults/chance.ts'
import type { Places } from './authors.ts'

const selecting = (tier: string): object => ({ from: 'Selector', selector: { matchLabels: { tier } } })

/** No namespace is ever platinum. */
const admits = (dice: Dice): object => {
  const all = { from: 'All', selector: null }
  return dice.of([all, all, all, { from: 'Same', selector: null }, selecting('gold'), selecting('platinum')])
}

const environment = (dice: Dice): string => (dice.below(12) === 0 ? 'NonProduction' : 'Production')

export const policySpec = (dice: Dice): object => ({
  environment: environment(dice),
  replicas: dice.below(4),
  suspended: dice.below(6) === 0,
  hostname: `relay-${dice.below(5)}.example.org`,
  listeners: [
    {
      name: 'submission',
      port: 2500 + dice.below(3),
      tls: { mode: 'StartTLS', ...(dice.below(4) === 0 && { certificateRef: { name: 'certificate' } }) },
      ...(dice.below(3) === 0 && { clientCertificates: { mode: 'Optional', caRef: { name: 'corporate' } } }),
    },
  ],
  admission: {
    credentials: { namespaces: admits(dice) },
    limits: { transactionTime: dice.below(8) === 0 ? '0s' : '10m' },
  },
  routes: [
    {
      name: 'default',
      smarthosts: [
        {
          ...{ name: 'out', host: 'smtp.example.net' },
          ...(dice.below(3) === 0 && { authRef: { name: 'smarthost' }, tls: { caRef: { name: 'corporate' } } }),
        },
      ],
    },
  ],
})

export const domainSpec = (dice: Dice, { mail }: Places): object => ({
  domain: `${dice.of(['', 'shop.'])}${dice.of(['a', 'b', 'c'])}.${mail}.example.org`,
  environment: environment(dice),
  includeSubdomains: dice.below(3) === 0,
  allowedNamespaces: admits(dice),
  localParts: dice.of([[], [], ['app', 'billing-*'], dice.below(3) === 0 ? ['.'] : ['app']]),
  dns: { resolvers: ['127.0.0.254'] },
  dkim: dice.of([null, null, { algorithms: ['ed25519'] }]),
})

/** `own` is a name that no other credential in its namespace uses. */
export const credentialSpec = (dice: Dice, { mail, team, guest }: Places, own: string): object => ({
  policyRef: dice.of([
    { name: 'p0', namespace: mail },
    { name: 'p1', namespace: mail },
    { name: 'p2', namespace: team },
  ]),
  senderDomainRefs: [
    dice.of([
      { name: 'd0', namespace: mail },
      { name: 'd1', namespace: mail },
    ]),
    ...dice.of([[], [], [{ name: 'd2', namespace: team }], [{ name: 'd3', namespace: guest }]]),
  ],
  suspended: dice.below(5) === 0,
  identities: { addresses: dice.of([[], [], [`app@a.${mail}.example.org`]]) },
  networks: { allow: dice.of([[], [], ['192.0.2.0/24']]) },
  ...loginOf(dice, own),
  expiresAt: dice.of([null, null, null, null, null, '2026-01-01T00:00:00Z', new Date(Date.now() + 4000).toISOString()]),
})

const loginOf = (dice: Dice, own: string): object =>
  dice.of([
    { type: 'Password', ...none, secretTemplate: { name: `${own}-smtp${dice.below(2)}` }, rotation: { trigger: null } },
    { type: 'Password', ...none, secretTemplate: null, rotation: { trigger: `${dice.below(5)}`, overlap: '1h' } },
    { type: 'Password', ...none, secretTemplate: null, rotation: { trigger: `${dice.below(5)}`, overlap: '0s' } },
    { type: 'ServiceAccountToken', ...bare, serviceAccounts: [{ name: own }] },
  ])
const none = { serviceAccounts: [], clientCertificate: null }
const bare = { clientCertificate: null, secretTemplate: null, rotation: null }
