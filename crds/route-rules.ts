/** The rules that go across several fields of a policy's routes. */
import { linkLocal } from './fields.ts'
import type { Route } from './route.ts'
import type { CrossFieldRule } from './schema.ts'
import { wellFormed, wellFormedCel, wellFormedMessage } from './selector-rules.ts'

/** The part of a policy that these rules read. */
type Routed = { readonly hostname?: string; readonly routes: readonly Route[] }

/** Whether it takes all mail that comes to it: it has no match, or one without any condition. */
export const isCatchAll = ({ match }: Route): boolean =>
  match === undefined ||
  (match.senderDomains.length === 0 && match.recipientDomains.length === 0 && match.credentialSelector === undefined)
const catchAllCel =
  '(!has(r.match) || (r.match.senderDomains.size() == 0 && r.match.recipientDomains.size() == 0 && !has(r.match.credentialSelector)))'

const isVerified = ({ tls: { mode } }: Route['smarthosts'][number]): boolean =>
  mode === 'StartTLS' || mode === 'Implicit'
/** The same for CEL: every smarthost that has `field` verifies certificates. */
const verifiedCel = (field: string): string =>
  `self.routes.all(r, r.smarthosts.all(s, !(has(s.${field}) && s.tls.mode in ['Opportunistic', 'Disabled'])))`

export const routeRules: readonly CrossFieldRule<Routed>[] = [
  {
    field: 'spec.routes',
    cel: `self.routes.size() == 0 || self.routes.exists_one(r, ${catchAllCel}) && [self.routes[self.routes.size() - 1]].all(r, ${catchAllCel})`,
    message: 'the last route, and only the last, must have no match: it takes what no other route takes',
    holds: (s) => s.routes.length === 0 || s.routes.findIndex(isCatchAll) === s.routes.length - 1,
  },
  {
    field: 'spec.routes',
    cel: "self.routes.all(r, (r.type == 'Smarthost') == (r.smarthosts.size() > 0))",
    message:
      "a route of type Smarthost needs smarthosts, and one of type MX has none: its mail goes to the exchangers of each recipient's domain",
    holds: (s) => s.routes.every((r) => (r.type === 'Smarthost') === r.smarthosts.length > 0),
  },
  {
    field: 'spec.routes',
    cel: "self.routes.all(r, r.type == 'MX' || !has(r.exchangers))",
    message: 'only a route of type MX has exchangers; take it away, and set maxConnections of each smarthost instead',
    holds: (s) => s.routes.every((r) => r.type === 'MX' || r.exchangers === undefined),
  },
  {
    field: 'spec.hostname',
    cel: "has(self.hostname) || self.routes.all(r, r.type == 'Smarthost')",
    message:
      'a route of type MX needs hostname: exchangers refuse a client whose EHLO name is not in DNS; give the name that belongs to the address from which mail leaves',
    holds: (s) => s.hostname !== undefined || s.routes.every((r) => r.type === 'Smarthost'),
  },
  {
    field: 'spec.routes',
    cel: verifiedCel('authRef'),
    message: 'authRef needs tls.mode StartTLS or Implicit: a password never crosses a connection without verified TLS',
    holds: (s) => s.routes.every((r) => r.smarthosts.every((h) => h.authRef === undefined || isVerified(h))),
  },
  {
    field: 'spec.routes',
    cel: verifiedCel('tls.caRef'),
    message: 'tls.caRef needs tls.mode StartTLS or Implicit: with any other mode no certificate is verified',
    holds: (s) => s.routes.every((r) => r.smarthosts.every((h) => h.tls.caRef === undefined || isVerified(h))),
  },
  {
    field: 'spec.routes',
    cel: `self.routes.all(r, !has(r.match) || !has(r.match.credentialSelector) || ${wellFormedCel('r.match.credentialSelector')})`,
    message: wellFormedMessage,
    holds: (s) => s.routes.every((r) => wellFormed(r.match?.credentialSelector ?? {})),
  },
  {
    field: 'spec.routes',
    cel: `self.routes.all(r, r.smarthosts.all(s, !s.host.matches('${linkLocal.source}')))`,
    message:
      "a link-local address can not be a smarthost (169.254.169.254 is a cloud's metadata service); name another host",
    holds: (s) => s.routes.every((r) => r.smarthosts.every((h) => !linkLocal.test(h.host))),
  },
]
