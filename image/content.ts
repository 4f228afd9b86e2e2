/** What is in the image: Node and the libraries it needs, a user who is not root, and the two bundles. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sharedLibraries } from './shared-libraries.ts'
import type { Entry } from './tar.ts'

/** The number of distroless' nonroot, so that both ways to make the image agree. */
export const nonRoot = 65532
/** As in distroless. */
export const nodeProgram = 'nodejs/bin/node'

const file = (path: string, content: Buffer | string, mode = 0o644): Entry => ({
  path,
  mode,
  content: Buffer.from(content),
})

/** hosts: without this line the C library asks DNS for localhost, too. */
const nsswitch = 'passwd: files\ngroup: files\nhosts: files dns\n'
const users = `root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:${nonRoot}:${nonRoot}:nonroot:/home/nonroot:/sbin/nologin\n`
const groups = `root:x:0:\nnonroot:x:${nonRoot}:\n`

/** Changes with Node and the C library only. No CA certificates: Node has its own. */
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
 * Changes with our code only. The package file says that the bundles are modules.
 * @param dist the folder that `npm run build` fills
 * @param repository where the package file and the licence are
 */
export const appLayer = (dist: string, repository: string): readonly Entry[] => [
  ...readdirSync(dist)
    .filter((name) => shipped.test(name))
    .map((name) => file(`app/${name}`, readFileSync(join(dist, name)))),
  ...['LICENSE', 'package.json'].map((name) => file(`app/${name}`, readFileSync(join(repository, name)))),
]
