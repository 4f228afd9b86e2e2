/** The sink of local mode: makes binding Secrets, certificates, configuration files and relay processes as compiled. */
import { rmSync } from 'node:fs'
import type { Issued } from '../ca.ts'
import type { Binding, Compiled, CompiledFleet } from '../compile/compiled.ts'
import { isOf, type Name, nameIn, namespaceOf } from '../compile/snapshot.ts'
import { usernameOf } from '../compile/wish.ts'
import type { Dirty } from '../dirty.ts'
import type { Verifier } from '../dns/verifier.ts'
import type { Sink } from '../run.ts'
import { loadAuthority } from './authority.ts'
import { passwordIn, usernameIn } from './binding-secret.ts'
import { keepKeys, type Made } from './credential-keys.ts'
import { declaredFacts } from './declared.ts'
import { type Directory, valueIn } from './directory.ts'
import { diskTrouble } from './disk-trouble.ts'
import { type LocalKeys, localDomainKeys, pemIn } from './domain-keys.ts'
import { keyPlaces } from './facts.ts'
import type { Ran } from './fleet.ts'
import type { FileSources } from './fleet-files.ts'
import { type LocalFleets, localFleets } from './fleets.ts'
import { formerSecretsIn } from './former-secrets.ts'
import { keepSigningKeys, pruneKeys } from './kept-keys.ts'
import { Reporter } from './reporter.ts'
import { foldersIn, type State } from './state.ts'
import type { Tell } from './telling.ts'

/** How soon something that failed is tried again, even without an edit. */
const againMs = 2000
/** The longest timer, so that a clock which was set is noticed within this time. */
const longestMs = 60_000

export type ProcessSink = Sink & {
  /** Stops every relay; resolves when the last has ended. */
  close(): Promise<void>
}

export function processSink(options: {
  readonly state: State
  readonly dirty: Dirty
  readonly tell: Tell
  readonly verifier: Pick<Verifier, 'give' | 'look'>
  /** The directory from which the compiled snapshot was made; the values of Secrets are taken from it. */
  readonly directory: () => Directory
}): ProcessSink {
  const { state, dirty, tell, verifier, directory } = options
  const fleets = localFleets(state, tell)
  const reporter = new Reporter(state.statusFile, fleets.active, verifier, tell)
  let again: NodeJS.Timeout | undefined
  const tryAgain = (): void => {
    again ??= setTimeout(() => {
      again = undefined
      dirty.mark()
    }, againMs)
  }
  /** Errors are reported and the work is tried again, since e.g. a full disk must not stop every relay. */
  const failed =
    (what: string) =>
    (error: unknown): void => {
      tell({ about: 'trouble', text: `${what}: ${diskTrouble(error)}` })
      tryAgain()
    }
  const attempt = (what: string, act: () => void): void => {
    try {
      act()
    } catch (error) {
      failed(what)(error)
    }
  }
  let authority: Issued | undefined
  /** Keys whose passwords are in no Secret yet. */
  const made = new Map<Name, Made>()
  let keysAgain: NodeJS.Timeout | undefined
  const keep = (name: Name, binding: Binding, certificate: string, former: string | undefined): number => {
    const its = made.get(name)
    const now = Date.now()
    const { isNew, at, ...kept } = keepKeys(state, name, binding, {
      made: its,
      former,
      isReached: its !== undefined && reporter.isProgrammedWith(binding.fleet, name, its.id),
      heard: reporter.heard(binding.fleet, name),
      authority: certificate,
      now,
    })
    if (kept.made === undefined) made.delete(name)
    else made.set(name, kept.made)
    // The relay has to learn of the change: the next snapshot will have the key's verifier, or the status the Secret's new name.
    if (isNew || former !== undefined) dirty.mark()
    return kept.made === undefined ? at : now + againMs
  }
  const keepSecrets = (compiled: Compiled, certificate: string): void => {
    let soonest = Date.now() + longestMs
    // Read before any Secret is written: two credentials may exchange their names.
    const former = formerPasswords(state, compiled)
    for (const [name, binding] of compiled.bindings) {
      attempt(`Secret of RelayCredential ${name}`, () => {
        soonest = Math.min(soonest, keep(name, binding, certificate, former.get(name)))
      })
    }
    clearTimeout(keysAgain)
    keysAgain = setTimeout(() => dirty.mark(), Math.max(0, soonest - Date.now()))
    // An old one goes in the turn after that, when its password is known to stand under the new name.
    if (allRead(directory()) && former.size === 0) attempt('old Secrets', () => pruneBindings(state, compiled))
  }
  let recorded = ''
  /** Undefined where the state folder can not be read any more. */
  const keysNow = (): ReadonlyMap<Name, LocalKeys> | undefined => {
    let keys: ReadonlyMap<Name, LocalKeys> | undefined
    attempt('keys of SenderDomains', () => {
      const { domains } = declaredFacts(directory().objects)
      keys = localDomainKeys(
        domains,
        keyPlaces(directory(), state, (name) => verifier.look(name)),
      )
    })
    return keys
  }

  return {
    async apply(compiled) {
      reporter.pause()
      authority ??= await loadAuthority(state, Date.now())
      const keys = keysNow()
      // Told, and tried again: until then all stays as it is.
      if (keys === undefined) return
      const changed = await keepSigningKeys(keys, state, Date.now()).catch(failed('keys of SenderDomains'))
      // A new key must first be reported in the status; it signs only after its record is seen.
      if (changed === true) dirty.mark()
      const sources = {
        authority,
        value: (from) => valueIn(directory(), from),
        signingKey: (domain, keyFile) => pemIn(keys, domain as Name, keyFile),
        now: Date.now(),
      } satisfies FileSources
      // Where a password can not be read that is to stand under another name, no Secret is written or removed: it would be lost.
      attempt('Secrets under another name', () => keepSecrets(compiled, sources.authority.certificate))
      if (allRead(directory())) attempt('old keys', () => pruneKeys(domainsIn(compiled), state))
      const done = await Promise.all(
        [...compiled.fleets].map(([name, fleet]) => applyFleet(fleets, name, fleet, sources)),
      )
      if (done.includes('failed')) tryAgain()
      // A retiring key of a domain waits until no relay has its file, which may be so now.
      if (done.includes('freed')) dirty.mark()
      const isDeleted = (name: Name): boolean =>
        allRead(directory()) && directory().objects.every(({ object }) => object !== `RelayPolicy ${name}`)
      attempt('fleets of deleted policies', () => {
        for (const name of fleets.known())
          if (!compiled.fleets.has(name)) attempt(`RelayPolicy ${name}`, () => fleets.remove(name, isDeleted(name)))
      })
    },
    async report(compiled) {
      const { unread, doubted } = directory()
      // A snapshot without doubts follows in a moment; what this one says would soon be taken back.
      if (unread.length === 0 && doubted.length > 0) return
      await reporter.report(compiled, { newer: dirty.raised, unread, keep: !allRead(directory()) })
      const isReached = ([name, { id }]: readonly [Name, Made]): boolean => {
        const fleet = compiled.bindings.get(name)?.fleet
        return fleet !== undefined && reporter.isProgrammedWith(fleet, name, id)
      }
      if ([...made].some(isReached)) dirty.mark()
      // Stages of DKIM keys that are recorded now take effect in the next turn.
      const text = keysText(compiled)
      if (text !== recorded) dirty.mark()
      recorded = text
    },
    async close() {
      clearTimeout(again)
      clearTimeout(keysAgain)
      reporter.pause()
      await fleets.close()
    },
  }
}

const allRead = ({ unread, doubted }: Directory): boolean => unread.length + doubted.length === 0

const domainsIn = ({ statuses }: Compiled): ReadonlySet<Name> =>
  new Set([...statuses.keys()].filter((ref) => isOf(ref, 'SenderDomain')).map(nameIn))

const keysText = ({ statuses }: Compiled): string =>
  JSON.stringify([...statuses].map(([ref, status]) => (isOf(ref, 'SenderDomain') ? [ref, status['dkimKeys']] : [])))

/** Never rejects: an error concerns only this fleet, and is reported in its conditions. */
async function applyFleet(
  fleets: LocalFleets,
  name: Name,
  compiled: CompiledFleet,
  sources: FileSources,
): Promise<Ran> {
  const fleet = fleets.fleet(name)
  return compiled.kind === 'run' ? fleet.run(compiled, sources) : fleet.hold(compiled.config)
}

/** By credential, the password in the Secret that it has under another name. @throws Unread */
function formerPasswords(state: State, { bindings }: Compiled): ReadonlyMap<Name, string> {
  const asked = [...bindings].map(([name, { secretName }]) => [name, secretName] as const)
  const found = [...formerSecretsIn(state, asked)].map(
    ([name, secret]) => [name, passwordIn(state.secret(namespaceOf(name), secret))] as const,
  )
  return new Map(found.flatMap(([name, password]) => (password === undefined ? [] : [[name, password] as const])))
}

/** Removes the Secrets and records of deleted credentials. A credential that is declared again gets a new password. */
function pruneBindings(state: State, { bindings, heldBindings }: Compiled): void {
  const namespaces = new Set([...heldBindings].map(namespaceOf))
  const usernames = new Set([...heldBindings].map(usernameOf))
  const owed = new Set([...bindings].map(([name, b]) => state.secret(namespaceOf(name), b.secretName)))
  for (const namespace of state.namespaces()) {
    const secrets = foldersIn(state.secrets(namespace)).map((name) => state.secret(namespace, name))
    // A Secret that does not say whose it is may be that of any credential of its namespace that is held.
    const mayBeHeld = (username: string | undefined): boolean =>
      username === undefined ? namespaces.has(namespace) : usernames.has(username)
    for (const secret of secrets.filter((folder) => !owed.has(folder) && !mayBeHeld(usernameIn(folder))))
      rmSync(secret, { recursive: true, force: true })
    for (const name of state.recorded(namespace).filter((n) => !bindings.has(n) && !heldBindings.has(n)))
      rmSync(state.keysFile(name), { force: true })
  }
}
