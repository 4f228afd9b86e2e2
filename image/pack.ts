/** Packs the container image into one file, with no container engine. */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { appLayer, baseLayer, nodeProgram, nonRoot } from './content.ts'
import { ociArchive } from './oci-archive.ts'

const repository = join(import.meta.dirname, '..')

const architectures: Readonly<Record<string, 'amd64' | 'arm64'>> = { x64: 'amd64', arm64: 'arm64' }

export type Packed = { readonly name: string; readonly digest: string }

/** The version in package.json, which is the tag of a release. */
export const version = (): string =>
  (JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }).version

/** Writes a temporary file and renames it, so that a reader sees either the whole new image or the one before. */
function write(file: string, pieces: readonly Buffer[]): void {
  mkdirSync(dirname(file), { recursive: true })
  const out = openSync(`${file}.part`, 'w')
  try {
    for (const piece of pieces) for (let at = 0; at < piece.length; ) at += writeSync(out, piece, at)
  } finally {
    closeSync(out)
  }
  renameSync(`${file}.part`, file)
}

export type Parts = {
  /** The folder of the bundles. */
  readonly dist: string
  /** The Node program that runs them; the libraries that it links to are packed, too. */
  readonly node: string
  readonly tag: string
}

/** Packs the image into the file `archive`. @throws Error on a processor for which there is no image. */
export function pack({ dist, node, tag }: Parts, archive: string): Packed {
  const architecture = architectures[process.arch]
  if (architecture === undefined) throw new Error(`there is no image for ${process.arch}`)
  const name = `relayfleet.dev/relayfleet:${tag}`
  const { digest, pieces } = ociArchive({
    name,
    architecture,
    layers: [baseLayer(node), appLayer(dist, repository)],
    config: {
      User: `${nonRoot}:${nonRoot}`,
      Env: ['PATH=/nodejs/bin'],
      Entrypoint: [`/${nodeProgram}`],
      Cmd: ['/app/relayfleet.js'],
      WorkingDir: '/app',
    },
  })
  write(archive, pieces)
  return { name, digest }
}
