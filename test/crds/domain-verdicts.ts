/** SenderDomains, valid and invalid, each with the verdict on it. */
import { both, delegated, domain, expression, off, provided, selecting, targetZone, type Verdict } from './samples.ts'

/** A domain of so many characters. */
const long = (characters: number): string => `${'a'.repeat(63)}.`.repeat(4).slice(0, characters)

export const domainVerdicts: readonly Verdict[] = [
  domain('a domain with its required fields only', {}),
  domain('a domain with an empty selector', { allowedNamespaces: selecting({}) }, 'spec.allowedNamespaces.selector'),
  ...[{ matchLabels: {} }, { matchExpressions: [] }].map((selector) =>
    domain(
      `a domain with a selector whose ${Object.keys(selector)} are empty`,
      { allowedNamespaces: selecting(selector) },
      'spec.allowedNamespaces.selector',
    ),
  ),
  domain(
    'a domain with a selector beside from: Same',
    { allowedNamespaces: { ...selecting({ matchLabels: { mail: 'yes' } }), from: 'Same' } },
    'spec.allowedNamespaces.selector',
  ),
  domain('a domain with a selector', { allowedNamespaces: selecting({ matchLabels: { mail: 'yes' } }) }),
  domain(
    'a domain with In without values',
    { allowedNamespaces: selecting(expression('In')) },
    'spec.allowedNamespaces.selector',
  ),
  domain(
    'a domain with an expression that is right and one that is not',
    { allowedNamespaces: selecting(both(expression('Exists'), expression('NotIn', []))) },
    'spec.allowedNamespaces.selector',
  ),
  ...['', '{{ .label }}', 'a b', 'mail/', '/mail'].map((key) =>
    domain(
      `a domain that would admit every namespace, for a label that nothing can have: ${JSON.stringify(key)}`,
      { allowedNamespaces: selecting({ matchExpressions: [{ key, operator: 'DoesNotExist' }] }) },
      'spec.allowedNamespaces.selector.matchExpressions[0].key',
    ),
  ),
  domain('a domain with the label that each namespace has', {
    allowedNamespaces: selecting({
      matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['shop'] }],
    }),
  }),
  domain('a domain in capitals', { domain: 'Mail.example.org' }, 'spec.domain'),
  domain('a domain of one label', { domain: 'localhost' }, 'spec.domain'),
  domain('a domain with a trailing dot', { domain: 'example.org.' }, 'spec.domain'),
  domain('a domain with a star', { domain: '*.example.org' }, 'spec.domain'),
  domain('a local part that is a star alone', { localParts: ['*'] }, 'spec.localParts[0]'),
  domain('an empty local part', { localParts: [''] }, 'spec.localParts[0]'),
  domain('a local part with a star inside', { localParts: ['a*b'] }, 'spec.localParts[0]'),
  domain('a local part of one letter', { localParts: ['a', 'x*'] }),
  domain('a local part with a final star', { localParts: ['billing-*'] }),
  domain('a local part with a dot before a final star', { localParts: ['a.*', 'a.b'] }),
  ...['.a', 'a.', 'a..b', '.*', 'a..*'].map((local) =>
    domain(`${local}, which no address has before its @`, { localParts: [local] }, 'spec.localParts[0]', true),
  ),
  domain('a domain with every expectation', {
    expect: {
      spf: { include: ['_spf.example.net'], addresses: ['192.0.2.0/28'] },
      dmarc: { minimumPolicy: 'reject', reports: 'mailto:dmarc@example.org' },
    },
    dns: { publisher: 'DNSEndpoint', resolvers: ['192.0.2.53', '2001:db8::53'] },
    verifyEvery: '1m',
  }),
  domain('an SPF include in capitals', { expect: { spf: { include: ['A.example'] } } }, 'spec.expect.spf.include[0]'),
  domain(
    'an unknown DMARC policy',
    { expect: { dmarc: { minimumPolicy: 'strict' } } },
    'spec.expect.dmarc.minimumPolicy',
  ),
  domain(
    'reports to an https address',
    { expect: { dmarc: { reports: 'https://example.org' } } },
    'spec.expect.dmarc.reports',
  ),
  ...['łukasz', 'a\n_dmarc', 'a"b', 'a\\b', 'a\u001b[8m', 'a%0d'].map((local) =>
    domain(
      `reports to ${JSON.stringify(local)}`,
      { expect: { dmarc: { reports: `mailto:${local}@example.org` } } },
      local === 'a%0d' ? undefined : 'spec.expect.dmarc.reports',
    ),
  ),
  domain('a resolver by name', { dns: { resolvers: ['ns.example.org'] } }, 'spec.dns.resolvers[0]'),
  domain('selectors that are delegated', { dkim: {}, dns: delegated }),
  domain('selectors that are delegated while signing is off', {
    environment: 'NonProduction',
    dkim: { mode: 'Off' },
    dns: delegated,
  }),
  domain(
    'selectors that are delegated without a target zone',
    { dkim: {}, dns: { publisher: 'CNAME' } },
    'spec.dns.targetZone',
  ),
  domain('a target zone without delegated selectors', { dkim: {}, dns: { targetZone } }, 'spec.dns.targetZone'),
  domain(
    'a target zone with an underscore',
    { dkim: {}, dns: { ...delegated, targetZone: '_k.example' } },
    'spec.dns.targetZone',
  ),
  domain('selectors that are delegated without keys', { dns: delegated }, 'spec.dns.publisher'),
  domain('selectors of provided keys that are delegated', { dkim: provided, dns: delegated }, 'spec.dns.publisher'),
  domain('a target zone that is as long as allowed', {
    dkim: {},
    dns: { publisher: 'CNAME', targetZone: `${'a'.repeat(63)}.`.repeat(4).slice(0, 212) },
  }),
  domain(
    'a target zone that is one character too long',
    { dkim: {}, dns: { publisher: 'CNAME', targetZone: `${'a'.repeat(63)}.`.repeat(4).slice(0, 213) } },
    'spec.dns.targetZone',
  ),
  domain('a domain and a prefix that are as long together as allowed', { domain: long(215), dkim: {} }),
  domain(
    'a domain and a prefix that are one character too long together',
    { domain: long(215), dkim: { selectorPrefix: 'abc' } },
    'spec.dkim.selectorPrefix',
  ),
  domain('a domain that is too long for new selectors, and delegates them', {
    domain: long(219),
    dkim: {},
    dns: { publisher: 'CNAME', targetZone: 'k.example' },
  }),
  domain('a domain as long as a DNS name may be, without records', { domain: long(253) }),
  domain('a domain that is as long as allowed with DMARC', { domain: long(246), expect: { dmarc: {} } }),
  domain(
    'a domain that is one character too long for DMARC',
    { domain: long(247), expect: { dmarc: {} } },
    'spec.expect.dmarc',
  ),
  domain('mail that is deferred while records are broken', { whenBroken: { action: 'Defer', grace: '1h' } }),
  domain(
    'mail that is discarded while records are broken',
    { whenBroken: { action: 'Discard' } },
    'spec.whenBroken.action',
  ),
  domain('records that are looked at every 59 s', { verifyEvery: '59s' }, 'spec.verifyEvery'),
  domain('records that are looked at once a day', { verifyEvery: '24h' }),
  domain('records that are looked at every 25 hours', { verifyEvery: '25h' }, 'spec.verifyEvery'),
  domain('DKIM keys that a Secret provides', { dkim: provided }),
  domain('DKIM keys that the operator makes', { dkim: {} }),
  domain('DKIM keys that are replaced every day', { dkim: { rotation: { every: '24h', overlap: '23h' } } }),
  domain(
    'a rotation of DKIM keys every 168 hours with an overlap as long',
    { dkim: { rotation: { every: '168h' } } },
    'spec.dkim.rotation.every',
  ),
  domain('an empty list of algorithms', { dkim: { algorithms: [] } }, 'spec.dkim.algorithms'),
  domain('an unknown algorithm', { dkim: { algorithms: ['rsa1024'] } }, 'spec.dkim.algorithms[0]'),
  domain('the mode Provided without a Secret', { dkim: { mode: 'Provided' } }, 'spec.dkim.secretRef'),
  domain(
    'a Secret with keys while signing is off',
    { dkim: { ...off, secretRef: { name: 'keys' } } },
    'spec.dkim.secretRef',
  ),
  domain('mail that the smarthost signs', { dkim: off }),
  domain(
    'mail that the relay and the smarthost sign',
    { dkim: { ...provided, signedBy: 'Smarthost' } },
    'spec.dkim.signedBy',
  ),
  domain('unsigned mail in Production', { dkim: { mode: 'Off' } }, 'spec.dkim.mode'),
  domain('unsigned mail in NonProduction', { environment: 'NonProduction', dkim: { mode: 'Off' } }),
  domain('an unknown mode of signing', { dkim: { mode: 'On' } }, 'spec.dkim.mode'),
  domain('an address as a domain', { domain: '192.0.2.1' }, 'spec.domain', true),
  domain('a resolver that is no address', { dns: { resolvers: ['1.2.3'] } }, 'spec.dns.resolvers[0]', true),
  domain('a label of 64 octets', { domain: `${'a'.repeat(64)}.example` }, 'spec.domain', true),
]
