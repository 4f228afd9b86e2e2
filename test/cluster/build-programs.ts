/**
 * `npm run cluster:build [-- node]` compiles the programs of a cluster, and those that check the chart, from Go modules into a
 * cache outside the repository.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  apiPrograms,
  binFolder,
  builtProgram,
  chartModules,
  chartPrograms,
  kubernetesVersion,
  modules,
  nodePrograms,
} from './programs.ts'

const versionFlags = (version: string): string => {
  const [major = '', minor = ''] = version.slice(1).split('.')
  const facts = { gitVersion: version, gitMajor: major, gitMinor: minor }
  const set = Object.entries(facts).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
  return ['-s', '-w', ...set].join(' ')
}

/** Builds beside the final place and then renames, so that an interrupted build leaves nothing that looks like a program. */
function build(name: string, from: string, cwd: string): void {
  const begin = performance.now()
  const file = join(binFolder(process.env, cwd), name)
  const args = ['build', '-trimpath', '-ldflags', versionFlags(kubernetesVersion()), '-o', `${file}.building`, from]
  const { status } = spawnSync('go', args, {
    cwd,
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) throw new Error(`go build of ${name} failed`)
  renameSync(`${file}.building`, file)
  process.stdout.write(`${name.padEnd(28)} ${Math.round((performance.now() - begin) / 1000)} s\n`)
}

function buildMissing(wanted: Readonly<Record<string, string>>, from: string): void {
  const missing = Object.entries(wanted).filter(([name]) => builtProgram(name, process.env, from) === undefined)
  if (missing.length === 0) return void process.stdout.write(`nothing to do: ${Object.keys(wanted).join(', ')}\n`)
  if (spawnSync('go', ['version']).status !== 0) throw new Error('Go is not installed; it compiles the programs')
  mkdirSync(binFolder(process.env, from), { recursive: true })
  for (const [i, [name, source]] of missing.entries()) {
    process.stdout.write(`${i + 1} of ${missing.length}: ${name} from ${source}\n`)
    build(name, source, from)
  }
}

const { positionals } = parseArgs({ allowPositionals: true })
try {
  buildMissing(positionals.includes('node') ? { ...apiPrograms, ...nodePrograms } : apiPrograms, modules)
  buildMissing(chartPrograms, chartModules)
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
