/** The domains whose mail a fleet defers or refuses: their DNS records have been broken for longer than their owners' grace. */
import type { RelayConfig } from '../../relay/config.ts'
import type { Known } from './known.ts'
import type { MailDomains } from './mail-domains.ts'
import type { Name } from './snapshot.ts'

type Broken = Pick<RelayConfig, 'brokenDomains'>
type Entry = NonNullable<Broken['brokenDomains']>[number]

/** `running` is what the relays have now; a domain in doubt keeps its entry from there. */
export function brokenDomainsOf(mail: MailDomains, running: Broken | undefined, known: Known): Broken {
  const brokenDomains = [...mail].flatMap(([name, domain]) => entryOf(name, domain, running, known))
  return brokenDomains.length === 0 ? {} : { brokenDomains }
}

function entryOf(
  name: Name,
  domain: string,
  running: Broken | undefined,
  { domain: find, snapshot }: Known,
): readonly Entry[] {
  const found = find(name)
  if (found.is !== 'there') return (running?.brokenDomains ?? []).filter((entry) => entry.senderDomain === name)
  const { action } = found.object.spec.whenBroken
  const records = snapshot.brokenRecords?.get(name) ?? []
  return action === 'Warn' || records.length === 0 ? [] : [{ senderDomain: name, domain, action, records }]
}
