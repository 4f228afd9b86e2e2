/** Writes an image as an OCI archive (image-spec 1.1), which `docker load`, `podman load`, `kind load` and `ctr import` read. */
import { createHash } from 'node:crypto'
import { type Entry, tar } from './tar.ts'

export type Image = {
  /** With a tag: `registry.example/name:tag`. */
  readonly name: string
  readonly architecture: 'amd64' | 'arm64'
  /** The lowest first. */
  readonly layers: readonly (readonly Entry[])[]
  /** How a container starts, in the words of the image configuration. */
  readonly config: Readonly<Record<string, unknown>>
}

export type Archive = {
  /** The digest of the manifest, by which a registry and a kubelet name the image. */
  readonly digest: string
  readonly pieces: readonly Buffer[]
}

type Blob = { readonly mediaType: string; readonly digest: string; readonly size: number }
type Stored = Blob & { readonly pieces: readonly Buffer[] }

function stored(kind: string, pieces: readonly Buffer[]): Stored {
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  const size = pieces.reduce((sum, { length }) => sum + length, 0)
  return {
    mediaType: `application/vnd.oci.image.${kind}`,
    digest: `sha256:${hash.digest('hex')}`,
    size,
    pieces,
  }
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const described = ({ mediaType, digest, size }: Stored): Blob => ({ mediaType, digest, size })

const blobPath = ({ digest }: Blob): string => `blobs/${digest.replace(':', '/')}`

export function ociArchive({ name, architecture, layers, config }: Image): Archive {
  const stack = layers.map((entries) => stored('layer.v1.tar', tar(entries)))
  const rootfs = { type: 'layers', diff_ids: stack.map(({ digest }) => digest) }
  const start = stored('config.v1+json', [json({ architecture, os: 'linux', config, rootfs })])
  const listed = { config: described(start), layers: stack.map(described) }
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = stored('manifest.v1+json', [json({ schemaVersion: 2, mediaType, ...listed })])
  const names = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name.replace(/^.*:/, '') }
  const index = { schemaVersion: 2, manifests: [{ ...described(manifest), annotations: names }] }
  const files: readonly Entry[] = [
    { path: 'oci-layout', mode: 0o644, content: json({ imageLayoutVersion: '1.0.0' }) },
    { path: 'index.json', mode: 0o644, content: json(index) },
    ...[...stack, start, manifest].map((blob) => ({
      path: blobPath(blob),
      mode: 0o644,
      content: Buffer.concat(blob.pieces),
    })),
  ]
  return { digest: manifest.digest, pieces: tar(files) }
}
