/** Exim from Debian's packages, as a relay with its queue on the disk, set up as well as we know how: durable, quick, closed. */
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../test/local/free-port.ts'
import type { Contender, Setting } from './contender.ts'
import { login, startServer } from './server.ts'
import { inTheirPlace, unpack, versionOfPackage, withUser } from './unpacked.ts'

/** The user name is compiled into Debian's Exim; the ids only have to be nobody else's. */
const user = { name: 'Debian-exim', id: 64_990 }
const daemon = 'exim4-daemon-light'

export const eximVersion = (): string => /^[\d.]+/.exec(versionOfPackage(daemon))?.[0] ?? ''

/** @throws Error with the reason why it can not take part here. */
export function unpackExim(): string {
  if (process.getuid?.() !== 0) throw new Error('Exim changes users, so it has to be started by root')
  return unpack(daemon, [daemon, 'exim4-base', 'libidn12'])
}

type Place = { readonly folder: string; readonly port: number; readonly sinkPort: number }

// TLS and a login are required before any mail. Each message is delivered at once, by a process and a connection of its own;
// that process need not execute Exim again, since it needs no rights (deliver_drop_privilege). Limits that are meant for
// strangers are lifted, and the log that Exim keeps beside each message is off.
const eximConf = ({ folder, port, sinkPort }: Place): string => `
primary_hostname = exim.test
spool_directory = ${folder}/spool
log_file_path = ${folder}/spool/%slog
message_logs = false
split_spool_directory = true
deliver_drop_privilege = true
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}
tls_advertise_hosts = *
tls_certificate = ${folder}/cert.pem
tls_privatekey = ${folder}/key.pem
auth_advertise_hosts = \${if eq{$tls_in_cipher}{}{}{*}}
pipelining_advertise_hosts = *
acl_smtp_rcpt = logged_in
acl_smtp_data = accept
host_lookup =
rfc1413_hosts =
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
smtp_connect_backlog = 512
keep_environment =

begin acl
logged_in:
  accept authenticated = *
  deny message = relay not permitted

begin routers
all:
  driver = manualroute
  route_list = * 127.0.0.1::${sinkPort}
  self = send
  transport = out

begin transports
out:
  driver = smtp
  hosts_avoid_tls = *

begin retry
* * F,1h,1m

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{$auth2}{${login.username}}}{eq{$auth3}{${login.password}}}}}
  server_set_id = $auth2
`

export const startExim =
  (root: string) =>
  async (setting: Setting): Promise<Contender> => {
    const { folder, certificates, sink } = setting
    const port = await freePort()
    writeFiles({ folder, port, sinkPort: sink.port }, certificates)
    const command = [...inTheirPlace(root, folder), '/usr/sbin/exim4', '-bdf', '-q1m']
    return await startServer(setting, { name: 'Exim', port, command })
  }

function writeFiles(place: Place, { cert, key }: Setting['certificates']): void {
  const { folder } = place
  withUser(folder, `${user.name}:x:${user.id}:${user.id}::/nonexistent:/usr/sbin/nologin`, `${user.name}:x:${user.id}:`)
  mkdirSync(join(folder, 'etc/exim4'))
  writeFileSync(join(folder, 'etc/exim4/exim4.conf'), eximConf(place))
  mkdirSync(join(folder, 'spool'))
  writeFileSync(join(folder, 'cert.pem'), cert)
  writeFileSync(join(folder, 'key.pem'), key, { mode: 0o600 })
  for (const name of ['', 'spool', 'key.pem']) chownSync(join(folder, name), user.id, user.id)
}
