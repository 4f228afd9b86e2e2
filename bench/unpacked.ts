/**
 * Debian's packages of a mail server that can not be installed beside Postfix: unpacked for this user, and mounted in their usual
 * place for that server's processes only.
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { programFile } from '../test/local/programs.ts'
import { keptFolder } from './kept.ts'

/** The version that apt would install; empty where there is no apt, or where it does not know the package. */
export function versionOfPackage(name: string): string {
  const { stdout } = spawnSync(programFile('apt-cache') ?? 'apt-cache', ['--no-all-versions', 'show', name], {
    encoding: 'utf8',
  })
  return /^Version: (.+)$/m.exec(stdout ?? '')?.[1] ?? ''
}

/**
 * The folder with the files of the packages, fetched once for this user and kept. They are only unpacked: nothing is configured,
 * and no script of theirs runs.
 * @throws Error with what apt or dpkg said.
 */
export function unpack(name: string, packages: readonly string[]): string {
  const folder = join(keptFolder, `${name}-${versionOfPackage(name)}`)
  if (existsSync(folder)) return folder
  mkdirSync(keptFolder, { recursive: true })
  const fresh = mkdtempSync(join(keptFolder, 'fetched-'))
  try {
    run('apt-get', ['download', ...packages], fresh)
    for (const file of readdirSync(fresh)) run('dpkg', ['-x', file, join(fresh, 'root')], fresh)
    renameSync(join(fresh, 'root'), folder)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
  return folder
}

/**
 * A command line to put before the server's own. In a mount namespace of its own, the server sees `root`'s /usr and `folder`'s
 * /etc laid over the machine's. The command becomes the server, so it is one process. It has to be started by root.
 */
export function inTheirPlace(root: string, folder: string): readonly string[] {
  const above = (upper: string, place: string): string =>
    `mount -t overlay overlay -o lowerdir='${upper}:${place}' ${place}`
  const script = `${above(join(root, 'usr'), '/usr')} && ${above(join(folder, 'etc'), '/etc')} && exec "$@"`
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh']
}

/** Copies /etc/passwd and /etc/group into `folder`/etc, and adds a user and a group. */
export function withUser(folder: string, passwd: string, group: string): void {
  const etc = join(folder, 'etc')
  mkdirSync(etc, { recursive: true })
  for (const [name, line] of [
    ['passwd', passwd],
    ['group', group],
  ] as const) {
    cpSync(join('/etc', name), join(etc, name))
    appendFileSync(join(etc, name), `${line}\n`)
  }
}

function run(program: string, args: readonly string[], cwd: string): void {
  const { status, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: 120_000 })
  if (status !== 0) throw new Error(`${program} ${args.slice(0, 4).join(' ')}: ${error?.message ?? stderr.slice(-500)}`)
}
