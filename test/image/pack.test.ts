/** Every digest in the image archive is that of what it names, and the same bundles always give the same image. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { pack } from '../../image/pack.ts'
import { sharedLibraries } from '../../image/shared-libraries.ts'

/** Stands for Node: a small program with libraries. */
const node = '/bin/ls'

type Blob = { readonly digest: string; readonly size: number }

function bundles(made: Date): string {
  const folder = mkdtempSync(join(tmpdir(), 'relayfleet-image-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['relay.js', 'relayfleet.js', 'relay.js.map', 'openssl.cnf']) {
    writeFileSync(join(folder, name), `// ${name}\n`)
    utimesSync(join(folder, name), made, made)
  }
  return folder
}

const extracted = (archive: string, path: string): Buffer =>
  spawnSync('tar', ['-xOf', archive, path], { maxBuffer: 1 << 28 }).stdout
const blob = (archive: string, { digest }: Blob): Buffer => extracted(archive, `blobs/${digest.replace(':', '/')}`)
const sha256 = (data: Buffer): string => `sha256:${createHash('sha256').update(data).digest('hex')}`

test.runIf(process.platform === 'linux')('every digest fits its content, and depends on the bundles alone', () => {
  const dist = bundles(new Date(0))
  const archive = join(dist, 'image.tar')
  const { digest, name } = pack({ dist, node, tag: 'test' }, archive)
  expect(name).toBe('relayfleet.dev/relayfleet:test')

  const index = JSON.parse(extracted(archive, 'index.json').toString()) as { manifests: Blob[] }
  expect(index.manifests).toMatchObject([{ digest, annotations: { 'io.containerd.image.name': name } }])
  const manifest = JSON.parse(blob(archive, { digest, size: 0 }).toString()) as { config: Blob; layers: Blob[] }
  for (const named of [...index.manifests, manifest.config, ...manifest.layers]) {
    const data = blob(archive, named)
    expect({ digest: sha256(data), size: data.length }).toMatchObject({ digest: named.digest, size: named.size })
  }
  const start = JSON.parse(blob(archive, manifest.config).toString()) as object
  expect(start).toMatchObject({
    os: 'linux',
    config: { User: '65532:65532', Entrypoint: ['/nodejs/bin/node'], Cmd: ['/app/relayfleet.js'] },
    rootfs: { diff_ids: manifest.layers.map((layer) => layer.digest) },
  })

  const [base, app] = manifest.layers.map((layer) =>
    spawnSync('tar', ['-t'], { input: blob(archive, layer), encoding: 'utf8' })
      .stdout.trim()
      .split('\n'),
  )
  expect(base).toEqual(expect.arrayContaining(['nodejs/bin/node', ...sharedLibraries(node).map((l) => l.slice(1))]))
  expect(app).toEqual([
    'app/',
    'app/LICENSE',
    'app/openssl.cnf',
    'app/package.json',
    'app/relay.js',
    'app/relayfleet.js',
  ])

  const again = bundles(new Date())
  expect(pack({ dist: again, node, tag: 'test' }, join(again, 'image.tar')).digest).toBe(digest)
  writeFileSync(join(again, 'relay.js'), '// another\n')
  expect(pack({ dist: again, node, tag: 'test' }, join(again, 'image.tar')).digest).not.toBe(digest)
})
