/**
 * Networks in which no domain has a public exchanger: an MX record that points there would make us connect to our own hosts
 * (SSRF).
 */

/** The IANA special-purpose registries (RFC 6890). Networks for documentation are not among them: nothing can be reached there. */
export const specialNetworks = {
  v4: [
    '0.0.0.0/8',
    '10.0.0.0/8',
    // Shared by providers and their customers; many clusters' pods are there.
    '100.64.0.0/10',
    '127.0.0.0/8',
    // A cloud's metadata service is at 169.254.169.254.
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.88.99.0/24',
    '192.168.0.0/16',
    '198.18.0.0/15',
    '224.0.0.0/4',
    '240.0.0.0/4',
  ],
  v6: [
    // Unspecified, loopback and the oldest form of IPv4 in IPv6.
    '::/96',
    // A translator's (SIIT, RFC 2765), or one's own (NAT64), discard-only, Teredo and 6to4: an IPv4 address in these may be any, also one of ours.
    '::ffff:0:0:0/96',
    '64:ff9b:1::/48',
    '100::/64',
    '2001::/32',
    '2002::/16',
    'fc00::/7',
    'fe80::/10',
    'fec0::/10',
    'ff00::/8',
  ],
} as const
