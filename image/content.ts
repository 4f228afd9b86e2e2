/** What is in the image: Node and the libraries it needs, a user who is not root, and the two bundles. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sharedLibraries } from './shared-libraries.ts'
import type { Entry } from './tar.ts'

/** The uid and gid of `nonroot` in distroless, so that the Dockerfile and this way to build the image agree. */
export const nonRoot = 65532
/** Where distroless has it, too. */
export const nodeProgram = 'nodejs/bin/node'

const file = (path: string, content: Buffer | string, mode = 0o644): Entry => ({
  path,
  mode,
  content: Buffer.from(content),
})

/** Without the line `hosts`, the C library would ask DNS even for localhost. */
const nsswitch = 'passwd: files\ngroup: files\nhosts: files dns\n'
const users = `root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:${nonRoot}:${nonRoot}:nonroot:/home/nonroot:/sbin/nologin\n`
const groups = `root:x:0:\nnonroot:x:${nonRoot}:\n`

/** The lower layer, which changes only with Node and the C library. It needs no CA certificates: Node has its own. */
export const baseLayer = (node: string): readonly Entry[] => [
  file('etc/group', groups),
  file('etc/nsswitch.conf', nsswitch),
  file('etc/passwd', users),
  { path: 'home/nonroot/', mode: 0o700, owner: nonRoot },
  { path: 'tmp/', mode: 0o1777 },
  file(nodeProgram, readFileSync(node), 0o755),
  ...sharedLibraries(node).map((path) => file(path.slice(1), readFileSync(path), 0o755)),
]

const shipped = /\.(js|txt|cnf)$/

/**
 * The upper layer, which changes only with our code. package.json is in it because it says that the bundles are ES modules.
 * @param dist the folder that `npm run build` fills
 * @param repository where the package file and the licence are
 */
export const appLayer = (dist: string, repository: string): readonly Entry[] => [
  ...readdirSync(dist)
    .filter((name) => shipped.test(name))
    .map((name) => file(`app/${name}`, readFileSync(join(dist, name)))),
  ...['LICENSE', 'package.json'].map((name) => file(`app/${name}`, readFileSync(join(repository, name)))),
]
