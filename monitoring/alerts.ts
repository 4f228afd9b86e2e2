/** What wakes somebody, and what that person reads then: each alert with its rule and its page. */

export type Severity = 'critical' | 'warning' | 'info'

export type Alert = {
  /** Stable: silences and routes hold it. */
  readonly name: `Relayfleet${string}`
  /** Critical: mail is refused, or nobody acts on what is declared. Info: by day. */
  readonly severity: Severity
  readonly expr: string
  /** A duration of Prometheus; without one it fires at once. */
  readonly for?: string
  /** One line, with the labels of the series. */
  readonly summary: string
  /** The page; `code` and links from docs/ may be in it. */
  readonly meaning: string
  readonly impact: string
  readonly diagnosis: string
  readonly mitigation: string
}

/**
 * What a relay finds while it starts is counted before anybody asks for the first time, and Prometheus knows no increase of
 * a series that begins with it, or that had the same number before a restart.
 */
const countedOrFound = (counter: string, window: string, seconds: number, by: 'rate' | 'increase'): string =>
  `${by}(${counter}[${window}]) > 0 or (${counter} > 0 and on (instance) time() - process_start_time_seconds < ${seconds})`

const ofRelays: readonly Alert[] = [
  {
    name: 'RelayfleetMailDoesNotLeave',
    severity: 'warning',
    expr: 'relayfleet_queue_oldest_message_age_seconds > 600',
    summary: 'Mail of {{ $labels.policy }} waits for more than ten minutes',
    meaning: 'The oldest message in the queue of a relay has waited for more than ten minutes.',
    impact: 'Mail is late. At `expireAfter` of its route it is returned to its sender.',
    diagnosis:
      'Does `relayfleet_delivery_attempts_total{result="delivered"}` go on? Then the servers of some recipients defer it, or mail of one domain is held until it can be signed: `deferred` in the log. Else `spec.suspended` of the RelayPolicy is true, and nothing is tried; or mail is captured, and `captured mail waits for the inbox` in the log says why; or no next hop takes mail: `status.routes` has what each replied, and so has `delivery attempted` in the log.',
    mitigation:
      'Mend the next hop, its login or its certificate; what is queued follows the newest routes of the policy at once. More time: raise `expireAfter`, which counts for what is queued, too.',
  },
  {
    name: 'RelayfleetRelayNotReady',
    severity: 'critical',
    expr: 'relayfleet_ready == 0',
    for: '1m',
    summary: 'A relay of {{ $labels.policy }} takes no mail ({{ $labels.instance }})',
    meaning: 'A relay has not been ready for a minute.',
    impact: 'It takes no mail; other relays of its fleet do. What it has accepted it delivers, where its disk lets it.',
    diagnosis:
      '`relayfleet status -A -o wide` says under WHY NOT which it is: its disk is full, fails or is silent, or no listener is open. `notReady` of [its page `/status`](sre.md#for-the-sre) says the same, and `spool takes no mail` in the log has the reason.',
    mitigation:
      'Give the volume room, or mend it: the relay comes back by itself. Do not restart it while nothing can be written: [each start delivers again what could not be recorded](sre.md#at-three-in-the-morning).',
  },
  {
    name: 'RelayfleetMailNotStored',
    severity: 'critical',
    expr: 'rate(relayfleet_smtpd_messages_total{result="refused",rule=~"always.unavailable|queue.storage"}[5m]) > 0',
    summary: '{{ $labels.policy }} refuses mail that it can not store ({{ $labels.rule }})',
    meaning: 'Mail is refused for now since it can not be kept.',
    impact: 'Clients get 451 or 452 and try again; one that does not loses its mail.',
    diagnosis:
      'Is the relay not ready, too? Then it is the disk: `queue.storage` that it is full, `always.unavailable` that it fails or is silent ([RelayfleetRelayNotReady](#relayfleetrelaynotready)). Else, with `queue.storage`, what is queued has two thirds of `spec.queue.storage.size`: see [why it does not leave](#relayfleetmaildoesnotleave).',
    mitigation: 'Free space on the volume, let the queue drain, or give it [a larger volume](sre.md#larger-volumes).',
  },
  {
    name: 'RelayfleetSpoolNearlyFull',
    severity: 'warning',
    expr: 'relayfleet_spool_room_bytes / relayfleet_spool_capacity_bytes < 0.1',
    summary: 'A relay of {{ $labels.policy }} has less than a tenth of its room for mail ({{ $labels.instance }})',
    meaning: 'The volume of a relay, or the size that its queue may have, is nearly used up.',
    impact: 'None yet. Without any room mail is refused for now (452).',
    diagnosis:
      '`relayfleet_spool_used_bytes` is what the queue has. Where that is little, somebody else fills the volume: `relayfleet_spool_free_bytes`.',
    mitigation:
      'As with [RelayfleetMailNotStored](#relayfleetmailnotstored). Captured mail in `inbox/` may be deleted.',
  },
  {
    name: 'RelayfleetConfigurationNotInForce',
    severity: 'warning',
    expr: 'relayfleet_config_ok == 0',
    for: '1m',
    summary: 'An edit is not in force in a relay of {{ $labels.policy }} ({{ $labels.instance }})',
    meaning: 'A relay has not taken the newest configuration over for a minute, or not all of it.',
    impact:
      'It goes on with the last good one: what was edited since does not count there. What was taken away since, as by a suspended credential, does, unless the configuration itself can not be read.',
    diagnosis:
      '`configError` and `stale` of its page `/status` say what; so do `Programmed` and `Degraded` of the RelayPolicy, and in the log `configuration refused`, `configuration applied, but not all of it` or `a file can not be used`.',
    mitigation: 'Mend the file or the field that is named; it is tried again every few seconds.',
  },
  {
    name: 'RelayfleetCertificateEnds',
    severity: 'warning',
    expr: 'relayfleet_certificate_expiry_timestamp_seconds - time() < 7 * 86400',
    summary: 'The certificate of listener {{ $labels.listener }} of {{ $labels.policy }} ends within a week',
    meaning:
      'The certificate of a listener, or of the issuer that it brings along, ends in less than seven days, or has ended.',
    impact: 'From then on clients refuse the connection.',
    diagnosis: '`CertificateValid` of the RelayPolicy names the listener and the day.',
    mitigation:
      'Renew the Secret of its `certificateRef`. What the operator issues it renews itself: then see `Programmed`, since a relay does not get what was written.',
  },
  {
    name: 'RelayfleetSpoolDamaged',
    severity: 'warning',
    expr: countedOrFound('relayfleet_spool_quarantined_total', '1h', 3600, 'increase'),
    summary: 'A relay of {{ $labels.policy }} has set a damaged file aside ({{ $labels.instance }})',
    meaning: 'A file of the spool was damaged, could not be read ten times, or was deleted by somebody else.',
    impact:
      'Mail in it may be lost; all that is whole goes on. What the damage may hide about deliveries arrives twice, and is counted.',
    diagnosis:
      '`damaged spool file set aside` in the log names `file` and says `why`; it is in `quarantine/`, unless it `is gone`.',
    mitigation: 'Keep the file. Look for a failing disk, and move the claim to another one.',
  },
  {
    name: 'RelayfleetLogLinesLost',
    severity: 'info',
    expr: 'rate(relayfleet_log_lines_lost_total[5m]) > 0',
    summary: 'Log lines of {{ $labels.instance }} are lost',
    meaning: 'Nobody reads the log of a relay, or not fast enough.',
    impact: 'Mail goes on. What became of a message can not be looked up in these minutes.',
    diagnosis: '`log lines are missing before this one` tells how many.',
    mitigation: 'Look after what reads the standard output of the pod.',
  },
  {
    name: 'RelayfleetPerhapsTwice',
    severity: 'info',
    expr: countedOrFound('relayfleet_delivery_ambiguous_total', '15m', 900, 'rate'),
    summary: 'Mail of {{ $labels.policy }} may arrive twice',
    meaning:
      'Nobody knows whether some attempts delivered: no reply came after the dot, a relay ended in the middle, or a spool is damaged.',
    impact: 'Each is tried again, so a recipient may get it twice. Nothing is lost.',
    diagnosis:
      'In the log: `delivery attempted` with the outcome ambiguous, by `smarthost`; or `may arrive twice`, of a relay that was killed.',
    mitigation:
      'A next hop that drops connections after the dot: its owner. A relay that is killed: its memory, its node.',
  },
]

const ofTheOperator: readonly Alert[] = [
  {
    name: 'RelayfleetNoLeader',
    severity: 'critical',
    expr: 'sum by (namespace) (relayfleet_leader) != 1 or absent(relayfleet_leader)',
    for: '1m',
    summary: 'No operator of Relayfleet is at work',
    meaning: 'For a minute no pod of the operator has held the Lease, or none is scraped.',
    impact: 'Mail flows on. Nothing that is declared takes effect: no credential, no suspension, no rotation.',
    diagnosis:
      '`kubectl -n <namespace> get pods,lease`; the log says `leads` and `leads no longer`. Is the PodMonitor there?',
    mitigation: 'Let a pod run, and reach the API server.',
  },
  {
    name: 'RelayfleetRelayDoesNotLeave',
    severity: 'warning',
    expr: 'sum(relayfleet_fleets_with_condition{condition="ScalingDown"}) > 0',
    for: '1h',
    summary: 'A relay that is to leave still has mail after an hour',
    meaning: 'A fleet is made smaller, or a policy is deleted, and for an hour a relay has had mail left.',
    impact: 'The pod stays, and so does a policy that is deleted. No mail is lost.',
    diagnosis: '`ScalingDown` of the RelayPolicies says which pod has how much, and since when.',
    mitigation: 'See [a relay that is to leave does not](sre.md#a-relay-that-is-to-leave-does-not).',
  },
  {
    name: 'RelayfleetSpoolReset',
    severity: 'critical',
    expr: 'sum(relayfleet_fleets_with_condition{condition="SpoolReset"}) > 0',
    summary: 'A relay has another spool than it had',
    meaning: 'A relay came up with another volume than before, or with an empty folder.',
    impact: 'Mail that it had accepted is in no queue now: it is where the old volume is, or lost.',
    diagnosis: '`SpoolReset` of the RelayPolicy names the pod and both spools.',
    mitigation:
      'See [a relay has another spool than it had](sre.md#a-relay-has-another-spool-than-it-had), before anybody deletes a released volume.',
  },
  {
    name: 'RelayfleetFleetNotReady',
    severity: 'warning',
    expr: 'sum(relayfleet_fleets{ready!="True"}) > 0',
    for: '5m',
    summary: '{{ $value }} fleets are not as they were declared',
    meaning: 'For five minutes a RelayPolicy has not been Ready.',
    impact: 'Its fleet does not run, takes no mail, or goes on by what was declared before.',
    diagnosis: '`kubectl get rpol -A`; the message of `Ready` names the object, the field and the mend.',
    mitigation: 'What the message says; [every reason](sre.md#conditions) has its own.',
  },
  {
    name: 'RelayfleetFleetDegraded',
    severity: 'warning',
    expr: 'sum(relayfleet_fleets_with_condition{condition="Degraded"}) > 0',
    for: '5m',
    summary: '{{ $value }} fleets are degraded',
    meaning: 'For five minutes a fleet has taken or delivered less than it should, or gone on with old files.',
    impact: 'By its reason: mail waits, limits are counted in shares, a certificate is not the newest.',
    diagnosis:
      '`Degraded` of the RelayPolicies: `relayfleet status -A`, or `kubectl get rpol -A -o custom-columns=\'NAMESPACE:.metadata.namespace,NAME:.metadata.name,DEGRADED:.status.conditions[?(@.type=="Degraded")].message\'`. The MESSAGE of `-o wide` is that of `Ready`, and may be fine.',
    mitigation: 'What the message says; [every reason](sre.md#conditions) has its own.',
  },
  {
    name: 'RelayfleetRecordWrong',
    severity: 'warning',
    expr: 'relayfleet_sender_domain_record_ok == 0',
    summary: 'The {{ $labels.record }} record of {{ $labels.sender_domain }} is missing or wrong',
    meaning: 'A DNS record of a SenderDomain is not as it has to be.',
    impact:
      'Receivers may take its mail for spam, or refuse it. What the relays do is in `spec.whenBroken` of the domain.',
    diagnosis: '`relayfleet domain check` shows what is wanted and what was found.',
    mitigation: 'Publish the record; `relayfleet domain check` has it for copy and paste.',
  },
  {
    name: 'RelayfleetKeysPending',
    severity: 'info',
    expr: 'sum(relayfleet_dkim_keys{stage="Pending"}) > 0',
    for: '1d',
    summary: '{{ $value }} DKIM keys have waited for their records for a day',
    meaning: 'A new DKIM key is made, and its record is not seen.',
    impact: 'None where a key before it signs on. The first key of a domain: its mail is not signed by it.',
    diagnosis:
      '`RotationInProgress` and `DKIMValid` of the SenderDomains name the record and the servers that do not show it.',
    mitigation: 'Publish the record.',
  },
  {
    name: 'RelayfleetDnsSilent',
    severity: 'warning',
    expr: 'sum(rate(relayfleet_dns_queries_total{result="unknown"}[15m])) / sum(rate(relayfleet_dns_queries_total[15m])) > 0.5',
    summary: 'DNS servers do not answer the operator',
    meaning:
      'More than half of the questions about the records of domains had no answer of use for a quarter of an hour.',
    impact: 'What is known of records stays as it was found before; new keys wait. Mail goes on.',
    diagnosis: '`RecordsPublished` of the SenderDomains says `ResolverTrouble`, and names the servers.',
    mitigation: 'The way to these servers, UDP and TCP port 53; or others in `spec.dns.resolvers`.',
  },
  {
    name: 'RelayfleetRotationOverdue',
    severity: 'info',
    expr: 'sum(relayfleet_rotations_pending{reason=~"OldKeyOverdue|UseUnknown"}) > 0',
    for: '1h',
    summary: '{{ $value }} passwords that were replaced can not be ended',
    meaning: 'The overlap of a rotation is over, and somebody still uses the old password, or nobody knows.',
    impact: 'The old password is accepted for longer than intended.',
    diagnosis: '`RotationPending` of the RelayCredentials says who used it last, and from where.',
    mitigation: 'Let that client read its Secret anew. To end it now, change `spec.rotation.trigger`.',
  },
  {
    name: 'RelayfleetCredentialEnds',
    severity: 'warning',
    expr: 'relayfleet_credential_expiry_timestamp_seconds{ends="credential"} - time() < 7 * 86400',
    summary: 'RelayCredential {{ $labels.credential }} ends within a week',
    meaning: '`spec.expiresAt` of a RelayCredential is less than seven days away, or has passed.',
    impact: 'From then on its logins are refused.',
    diagnosis:
      'Its `credential` says which, and `kubectl get rcred -A -o custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,ENDS:.spec.expiresAt` has the times of all. `ends="key"` of the same metric is a password of it that was replaced.',
    mitigation: 'A later `spec.expiresAt`, or none; or let it end.',
  },
  {
    name: 'RelayfleetOperatorTrouble',
    severity: 'warning',
    expr: 'increase(relayfleet_reconcile_errors_total[10m]) > 0',
    summary: 'The operator could not do a part of its work: {{ $labels.part }}',
    meaning: 'Something failed within the last ten minutes, and is tried again.',
    impact: 'What is declared takes effect later, or only when the trouble is over.',
    diagnosis:
      '`trouble` in the log of the operator says which `object`, and `why`; the conditions of the object say the same.',
    mitigation: 'What it says: a right, a webhook, a quota, an object that is somebody else’s.',
  },
  {
    name: 'RelayfleetWatchesInterrupted',
    severity: 'warning',
    expr: 'increase(relayfleet_watch_restarts_total[10m]) > 10',
    summary: 'The operator can not keep a watch of {{ $labels.resource }}',
    meaning: 'More than ten times within ten minutes a list or a watch of the API server ended.',
    impact: 'The operator hears late, or not at all, of what was changed.',
    diagnosis: '`watch interrupted` in its log says why.',
    mitigation: 'Forbidden: give the right back (`helm upgrade`). Else look after the API server.',
  },
]

export const alertGroups: Readonly<Record<string, readonly Alert[]>> = {
  'relayfleet-relays': ofRelays,
  'relayfleet-operator': ofTheOperator,
}

export const alerts: readonly Alert[] = Object.values(alertGroups).flat()
