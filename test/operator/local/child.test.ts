/** A supervised process is started again when it ends, later each time, and never outlives its parent. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { Child, type ChildOptions, type Failure } from '../../../operator/local/child.ts'
import { temporaryFolder } from '../../local/temporary.ts'
import { until } from '../../local/until.ts'
import { alive } from './alive.ts'

/** A program that runs until its standard input ends or SIGTERM comes, as the relay does. */
const obedient = `
  process.stdin.resume().on('end', () => process.exit(0))
  process.on('SIGTERM', () => process.exit(0))
  console.log('up ' + process.pid)`
const stubborn = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up ' + process.pid)`
const failing = `console.error('port 25 is in use'); process.exit(7)`

function child(script: string, options: Partial<ChildOptions> = {}) {
  const lines: string[] = []
  const failures: Failure[] = []
  const supervised = new Child({
    command: process.execPath,
    args: ['-e', script],
    graceMs: 5000,
    onLine: (line) => lines.push(line),
    onFailure: (failure) => failures.push(failure),
    jitter: () => 0,
    ...options,
  })
  onTestFinished(() => supervised.stop())
  return { supervised, lines, failures }
}
const pidIn = (line: string | undefined): number => Number(line?.split(' ')[1])

test('a child that ends by itself is started again, later each time, and its last line is told', async () => {
  const { supervised, failures } = child(failing)
  supervised.start()
  await until('it has failed three times', () => failures.length >= 3)
  expect(failures.slice(0, 3)).toEqual([
    { how: 'exit code 7', lastWords: 'port 25 is in use', againInMs: 125 },
    { how: 'exit code 7', lastWords: 'port 25 is in use', againInMs: 250 },
    { how: 'exit code 7', lastWords: 'port 25 is in use', againInMs: 500 },
  ])
})

test.each([
  [
    'memory',
    '--max-old-space-size=12',
    'const a = []; for (;;) a.push(new Array(1000).fill(Math.random()))',
    /out of memory$/,
  ],
  ['something', '--no-warnings', 'throw new TypeError("no such thing")', /^TypeError: no such thing$/],
])('of a child that ends for want of %s the reason is told, and not its stack', async (_what, flag, script, told) => {
  const { supervised, failures } = child('', { args: [flag, '-e', script] })
  supervised.start()
  expect((await until('it has failed', () => failures[0])).lastWords).toMatch(told)
})

test('after a run that was long enough, the delays begin again with the shortest', async () => {
  const { supervised, failures } = child(failing, { healthyMs: 0 })
  supervised.start()
  await until('it has failed three times', () => failures.length >= 3)
  expect(failures.slice(0, 3).map((f) => f.againInMs)).toEqual([125, 125, 125])
})

test('a child that is killed is started again as another process', async () => {
  const { supervised, lines, failures } = child(obedient)
  supervised.start()
  await until('it runs', () => lines.length === 1)
  process.kill(pidIn(lines[0]), 'SIGKILL')
  await until('it runs again', () => lines.length === 2)
  expect(failures.map((f) => f.how)).toEqual(['signal SIGKILL'])
  expect(supervised.pid).toBe(pidIn(lines[1]))
})

test('a child that is stopped ends without being told as a failure, and is not started again', async () => {
  const { supervised, lines, failures } = child(obedient)
  supervised.start()
  await until('it runs', () => lines.length === 1)
  await supervised.stop()
  expect(alive(pidIn(lines[0]))).toBe(false)
  expect(failures).toEqual([])
  expect(supervised.pid).toBeUndefined()
})

test('a child that ignores SIGTERM is killed after the grace', async () => {
  const { supervised, lines } = child(stubborn, { graceMs: 100 })
  supervised.start()
  await until('it runs', () => lines.length === 1)
  await supervised.stop()
  expect(alive(pidIn(lines[0]))).toBe(false)
})

test('a child that is started while it stops runs again once the old process has ended, and no failure is told', async () => {
  const { supervised, lines, failures } = child(obedient)
  supervised.start()
  await until('it runs', () => lines.length === 1)
  const stopping = supervised.stop()
  supervised.start()
  await stopping
  await until('it runs again', () => lines.length === 2)
  expect(failures).toEqual([])
  expect(alive(pidIn(lines[0]))).toBe(false)
})

test('a command that does not exist is told as a failure with the reason', async () => {
  const { supervised, failures } = child('', { command: '/nowhere/node' })
  supervised.start()
  const failure = await until('it has failed', () => failures[0])
  expect(failure.lastWords).toContain('ENOENT')
})

test('a child that the system refuses to start at once, as without memory, is told as a failure and tried again', async () => {
  // One argument that is too long is such an error, too, and needs no lack of anything.
  const { supervised, failures } = child(obedient, { args: ['-e', obedient, 'x'.repeat(256 * 1024)] })
  supervised.start()
  await until('it was tried twice', () => failures.length >= 2)
  expect(failures[0]).toMatchObject({ how: 'exit code -7', lastWords: 'spawn E2BIG' })
})

const module = pathToFileURL(join(import.meta.dirname, '../../../operator/local/child.ts')).href

test('a child for which there are no file descriptors is told as a failure, and started when there are some', async () => {
  const parent = join(temporaryFolder(), 'parent.ts')
  writeFileSync(
    parent,
    `import { closeSync, openSync } from 'node:fs'
     import { Child } from '${module}'
     const held: number[] = []
     const child = new Child({ command: process.execPath, args: ['-e', ${JSON.stringify(obedient)}], graceMs: 1000,
       onLine: (line) => { console.log(line); void child.stop() },
       onFailure: ({ lastWords }) => { console.log(lastWords); held.forEach((file) => closeSync(file)) } })
     try { for (;;) held.push(openSync('/dev/null')) } catch {}
     child.start()`,
  )
  const limited = ['-c', 'ulimit -n 64; exec "$0" "$1"', process.execPath, parent]
  const process_ = spawn('sh', limited, { stdio: ['ignore', 'pipe', 'inherit'] })
  const told = (await process_.stdout.toArray()).join('')
  expect(told).toMatch(/^spawn .*EMFILE\nup \d+\n$/)
})

test('a child ends when its parent is killed', async () => {
  const folder = temporaryFolder()
  const parent = join(folder, 'parent.ts')
  writeFileSync(
    parent,
    `import { Child } from '${module}'
     new Child({ command: process.execPath, args: ['-e', ${JSON.stringify(obedient)}], graceMs: 1000,
       onLine: (l) => console.log(l), onFailure: () => {} }).start()`,
  )
  const process_ = spawn(process.execPath, [parent], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await process_.stdout.take(1).toArray()) as Buffer[]
  const pid = pidIn(line?.toString().trim())
  expect(alive(pid)).toBe(true)
  process_.kill('SIGKILL')
  await until('the child has ended', () => !alive(pid))
})
