/** maddy, built from its Go module, as a relay with its queue on the disk, set up as well as we know how: durable, closed. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../test/local/free-port.ts'
import type { Contender, Setting } from './contender.ts'
import { keptFolder } from './kept.ts'
import { login, startServer } from './server.ts'

export const maddyVersion = 'v0.8.1'
const buildMs = 900_000

/**
 * The program's file. It is built once for this user, and kept. `go install` of a version can not build it, since its go.mod
 * replaces modules, which Go permits only to the main module.
 * @throws Error with what go said.
 */
export function buildMaddy(): string {
  const folder = join(keptFolder, `maddy-${maddyVersion}`)
  const program = join(folder, 'maddy')
  if (existsSync(program)) return program
  const source = join(folder, 'source')
  const { Dir } = JSON.parse(
    run('go', ['mod', 'download', '-json', `github.com/foxcpp/maddy@${maddyVersion}`], '/'),
  ) as {
    readonly Dir: string
  }
  rmSync(source, { recursive: true, force: true })
  mkdirSync(source, { recursive: true })
  cpSync(Dir, source, { recursive: true })
  run('chmod', ['-R', 'u+w', source], '/')
  run('nice', ['-n', '15', 'go', 'build', '-trimpath', '-o', program, './cmd/maddy'], source)
  rmSync(source, { recursive: true, force: true })
  return program
}

type Place = {
  readonly folder: string
  readonly port: number
  readonly sinkPort: number
  readonly passwordHash: string
}

const maddyConf = ({ folder, port, sinkPort, passwordHash }: Place): string => `
state_dir ${folder}/state
runtime_dir ${folder}/run
hostname maddy.test
tls file ${folder}/cert.pem ${folder}/key.pem
log ${folder}/maddy.log

auth.pass_table logins {
    table static {
        entry "${login.username}" "${passwordHash}"
    }
}

target.smtp sink {
    targets tcp://127.0.0.1:${sinkPort}
    attempt_starttls no
    require_tls no
}

target.queue queue {
    location ${folder}/queue
    max_parallelism 20
    target &sink
}

submission tcp://127.0.0.1:${port} {
    auth &logins
    source corp.test {
        deliver_to &queue
    }
    default_source {
        reject 550 5.7.1 "not your domain"
    }
}
`

export const startMaddy =
  (program: string) =>
  async (setting: Setting): Promise<Contender> => {
    const { folder, certificates, sink } = setting
    // The cheapest hash that maddy allows, so that the cost of hashing passwords is not what is measured.
    const cheap = ['--hash', 'argon2', '--argon2-time', '1', '--argon2-memory', '8', '--argon2-threads', '1']
    const passwordHash = run(program, ['hash', ...cheap, '--password', login.password], folder).trim()
    const port = await freePort()
    for (const name of ['state', 'run', 'queue']) mkdirSync(join(folder, name), { recursive: true })
    writeFileSync(join(folder, 'cert.pem'), certificates.cert)
    writeFileSync(join(folder, 'key.pem'), certificates.key, { mode: 0o600 })
    writeFileSync(join(folder, 'maddy.conf'), maddyConf({ folder, port, sinkPort: sink.port, passwordHash }))
    const command = [program, '--config', join(folder, 'maddy.conf'), 'run']
    return await startServer(setting, { name: 'maddy', port, command })
  }

function run(program: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: buildMs })
  if (status !== 0) throw new Error(`${program} ${args.slice(0, 4).join(' ')}: ${error?.message ?? stderr.slice(-500)}`)
  return stdout
}
