/** However the holder of a cluster ends, neither a process nor a folder stays behind. */
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../local/until.ts'

/** Programs that only tell where they are; the API server among them is never ready. */
function standIns(body: string): { readonly folder: string; readonly files: Readonly<Record<string, string>> } {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-keeper-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const names = ['etcd', 'kube-apiserver', 'kubectl']
  for (const name of names) {
    writeFileSync(join(folder, name), `#!/bin/sh\necho "$$ $PWD" > ${folder}/${name}.started\n${body}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  return { folder, files: Object.fromEntries(names.map((name) => [name, join(folder, name)])) }
}

/** A test run that gets a cluster; it ends by itself only when it gets none. */
function holder(files: Readonly<Record<string, string>>) {
  const code = `
    import { keep } from ${JSON.stringify(join(import.meta.dirname, 'keep.ts'))}
    await keep('api', ${JSON.stringify({ kind: 'control-plane', files })})`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'ignore', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

async function started(folder: string, name: string): Promise<{ readonly pid: number; readonly at: string }> {
  const text = await until(`${name} has started`, () => {
    const file = join(folder, `${name}.started`)
    return existsSync(file) && /\d+ .+\n/.exec(readFileSync(file, 'utf8'))?.[0]
  })
  const [pid = '', at = ''] = text.trim().split(' ')
  return { pid: Number(pid), at }
}

/** Whether the process lives; one that has ended and that nobody has asked for yet does not. */
const lives = (pid: number): boolean => {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test.runIf(process.platform === 'linux')(
  'when the test run is killed, neither a program of its cluster nor a folder stays behind',
  async () => {
    const { folder, files } = standIns('exec sleep 600')
    const child = holder(files)
    const all = [await started(folder, 'etcd'), await started(folder, 'kube-apiserver')]
    expect(all.every(({ pid, at }) => lives(pid) && existsSync(at))).toBe(true)
    child.kill('SIGKILL')
    await until('nothing is left', () => all.every(({ pid, at }) => !lives(pid) && !existsSync(at)))
  },
)

test.runIf(process.platform === 'linux')(
  'when a program of the cluster fails, the test run is told why, and no folder stays behind',
  async () => {
    const { folder, files } = standIns('echo no such luck >&2; exit 3')
    const child = holder(files)
    let told = ''
    child.stderr.on('data', (chunk) => {
      told += String(chunk)
    })
    const { at } = await started(folder, 'kube-apiserver')
    await until('the holder has heard of it', () => child.exitCode !== null)
    expect(told).toContain('no such luck')
    await until('the folder is gone', () => !existsSync(at))
  },
)
