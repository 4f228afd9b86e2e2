/** What each field says, in one line, for the reference; a field that the schema describes itself needs none here. */

export const meanings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  RelayPolicy: {
    'spec.replicas': 'how many relays; in local mode one runs, or none with 0',
    'spec.hostname':
      'the name in banner, EHLO, Received and the certificate, and never that of another Service of the cluster; <name>.<namespace>.svc where it is not given',
    'spec.listeners': 'at least one; a binding Secret points to the first that takes what its credential logs in by',
    'spec.listeners[].name': 'its name in conditions, logs and metrics',
    'spec.listeners[].port':
      'the port that clients use; in local mode one below 1024 moves up by 2000 where this user may not bind it',
    'spec.listeners[].tls.mode': 'TLS by the command STARTTLS, or from the first octet',
    'spec.listeners[].tls.minVersion': 'older versions of TLS are refused',
    'spec.admission.networks.allow': 'only these may connect; empty: all',
    'spec.admission.networks.deny': 'these may not; deny wins',
    'spec.admission.authFailures.max':
      'so many failed logins of one client: an IPv4 address, or all addresses of one IPv6 /64',
    'spec.admission.authFailures.per': '… within this time',
    'spec.admission.authFailures.lockout': '… lock that address, or /64, out for so long',
    'spec.admission.limits.messageSize': 'of the whole message as it is sent',
    'spec.admission.limits.recipientsPerMessage':
      'more are refused with 452, so that the client sends them in another one',
    'spec.admission.limits.connectionsPerClient':
      'open at one time from one IPv4 address, or from all addresses of one IPv6 /64: a host has them all, and so may a node for its pods',
    'spec.admission.limits.messagesPerConnection': 'then the client has to connect again',
    'spec.admission.limits.transactionTime': 'from MAIL to the final dot',
    'spec.senderRules.envelopeFrom.enforcement': 'the reverse-path has to belong to the credential',
    'spec.senderRules.headerFrom.enforcement': 'the one mailbox in From has to belong to the credential',
    'spec.senderRules.headerFrom.displayNameAddress': 'a display name that shows another address than the mailbox',
    'spec.senderRules.alignment.enforcement': 'reverse-path and From have to be of one domain',
    'spec.senderRules.alignment.mode':
      'Strict: the same domain; Organizational: the same registered domain (mail.example.org and example.org)',
    'spec.recipients.mode':
      'everybody; only recipients.allow; all mail to redirectTo; or nobody: into the inbox of this fleet. Default: Unrestricted in Production, Capture in NonProduction',
    'spec.recipients.allow.domains': 'for AllowList: these very domains, without their subdomains',
    'spec.recipients.allow.addresses': 'for AllowList: these addresses',
    'spec.recipients.redirectTo': 'for Redirect: who gets the mail instead',
    'spec.throttles[].name': 'its name in replies, logs and metrics',
    'spec.throttles[].rate.count': 'so many recipients',
    'spec.throttles[].rate.per': '… within this time, 1s to 1h',
    'spec.routes': 'the first that matches takes a recipient; the last one has no match and takes the rest',
    'spec.routes[].name': 'its name in logs and metrics',
    'spec.routes[].match.senderDomains': 'domains of the reverse-path (of From, where that is null)',
    'spec.routes[].match.recipientDomains': 'domains of the forward-path, without their subdomains',
    'spec.routes[].match.credentialSelector': 'credentials, by their labels',
    'spec.routes[].type': "mail goes to smarthosts, or directly to the exchangers (MX) of each recipient's domain",
    'spec.routes[].exchangers.maxConnections':
      'in use at one time, from each relay, for all domains together; of ten or more the last tenth is for credentials that have none',
    'spec.routes[].exchangers.maxConnectionsPerDomain':
      'of these for one domain; one whose exchanger has not answered yet has one',
    'spec.routes[].smarthosts':
      'for type Smarthost, at least one: next hops; of those with the lowest priority that are well, the work is shared',
    'spec.routes[].smarthosts[].name': 'its name in logs and metrics',
    'spec.routes[].smarthosts[].host':
      'a host name or an address; no link-local one, and IPv4 as such, not within IPv6',
    'spec.routes[].smarthosts[].port': 'usually 587 with StartTLS, 465 with Implicit',
    'spec.routes[].smarthosts[].tls.mode':
      'StartTLS and Implicit verify the certificate and never send without; Opportunistic takes what there is, and sends in clear where TLS fails; Disabled is plain',
    'spec.routes[].smarthosts[].priority': 'lower ones first; a higher one is used while no lower one can be',
    'spec.routes[].smarthosts[].maxConnections': 'open at one time, from each relay; fewer where it takes fewer',
    'spec.routes[].retry.expireAfter': 'then the message is returned to its reverse-path as a DSN',
    'spec.limitStore.host':
      'a Service, a host name or an address; no link-local one, and IPv4 as such. Not a cluster of Redis: one that is written to',
    'spec.limitStore.port': 'TLS from the first octet, or with Disabled none',
    'spec.limitStore.database': 'two clusters with policies of one name need two databases, or two stores',
    'spec.limitStore.tls.mode': 'Implicit verifies the certificate; Disabled is plain, and without a login',
    'spec.queue.maxAge': 'an older message in the queue makes the policy Degraded',
    'spec.evidence.addresses':
      'how addresses stand in logs: as a hash that stays the same, masked (u***@example.org), clear',
    'spec.suspended': 'new sessions get 421, and what is queued waits',
  },
}
